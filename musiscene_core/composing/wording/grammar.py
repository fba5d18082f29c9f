"""Words that carry no music by themselves: how they join the others, and which say nothing.

Knows nothing of what they join.
"""

from __future__ import annotations

from musiscene_core.composing.wording.lexing import word_set

DENIALS = word_set(
    "no not without never avoid minus except excluding exclude skip drop omit lacking lose mute "
    "don't dont nor isn't kein keine keinen ohne nicht sans pas senza niente sin ningun ninguna "
    "non zero neither"
)
ONLY = word_set("only solely alone nur seul seule seulement soltanto solamente exclusively")
ONLY_PHRASES = ("nothing but", "nothing except")
NEXT = (
    "and then",
    "followed by",
    "turning",
    "turns",
    "becoming",
    "becomes",
    "giving way to",
    "then",
    "dann",
    "puis",
    "poi",
    "luego",
    "later",
    "finally",
    "->",
    "→",
    "turns into",
    "transitioning to",
    "leading to",
    "resolving to",
    "before turning",
    "shifting to",
    "afterwards",
)
"""What follows comes after what went before; the same joints as in sketched moods."""
BREAKS = frozenset(
    ("but", "with", "while", "yet", "aber", "mais", "ma", "pero", "instead", "although")
)
"""What is denied or alone ends here."""
UNTIL = (
    "until",
    "till",
    "up to",
    "up until",
    "before",
    "bis",
    "bis zu",
    "bis zum",
    "bis zur",
    "jusqu'à",
    "jusqu'au",
    "fino a",
    "hasta",
    "prior to",
    "ahead of",
    "leading up to",
)
FROM = (
    "from",
    "after",
    "since",
    "starting at",
    "starting from",
    "starting with",
    "beginning at",
    "as of",
    "once",
    "when",
    "from after",
    "ab",
    "nach",
    "dès",
    "après",
    "dopo",
    "desde",
    "following",
    "right after",
    "entering at",
    "coming in at",
    "in at",
    "enter at",
    "enters at",
)
AT = ("at", "on", "by", "bei", "beim", "upon", "as")
DURING = (
    "during",
    "under",
    "over",
    "throughout",
    "for",
    "in",
    "within",
    "while",
    "underneath",
    "beneath",
    "während",
    "pendant",
    "durante",
)
BETWEEN = ("between",)
STOP_WORDS = word_set(
    """
    a an the and or of to in on at by for from with as is are be been being it its it's this
    that these those there here i we you he she they them his her our your my me us who whom
    whose which what where why how so such some any all both each every other another one own
    same than too also into onto out up down off over under through across along around about
    between against per via should could would can may might must will shall do does did done
    doing have has had having make makes making made let lets keep keeps keeping kept give
    gives giving given add adds adding added use uses using used want wants wanted need needs
    needed please like likes feel feels feeling feelings sound sounds sounding music musical
    score scored scoring cue cues track soundtrack song piece composition tone tones mood
    moods style styled kind sort way type vibe vibes character touch touches element elements
    part parts section sections line lines layer layers note notes instrument instruments
    instrumentation instrumental arrangement arranged playing plays play played player
    underneath background foreground behind front main bit lot little much many most few
    several while when if though although because since quite rather solo just purely perhaps
    maybe possibly always often sometimes usually really almost nearly mostly mainly primarily
    generally overall whole entire throughout together gradually suddenly immediately directly
    approximately roughly circa ca near close key tempo bpm time signature metre meter scale
    mode tonality pitch volume level dynamics dynamic register range groove begin begins
    beginning start starts starting end ends ending open opens opening closes closing come
    comes coming enter enters entering go goes going bring brings bringing appear appears
    emerge emerges join joins joined carry carries carried take takes leads leading follow
    follows evolve evolves move moves moving movement change changes shift stay stays remain
    remains continue continues hold holds return returns reach reaches mirror mirrors reflect
    reflects accompany accompanies accompanied support supports supported underline underlines
    highlight highlights accentuate accentuates convey conveys evoke evokes create creates
    creating scene scenes shot shots picture film movie cinematic moment moments second
    seconds minute minutes sec secs min mins person someone nobody speaks speaking speech
    dialogue dialog passage passages height strongest temp there's good nice well sense depth
    undertone undertones overtones slight cutting steady rate vivid muted evenly lit colour
    color die dies der das den dem des ein eine einen einem einer und oder mit im am zum zur
    von für auf ist soll musik le la les un une du de et ou avec dans pour sur est musique il
    lo gli e o con nel nella su musica el los las una y en para por da di del della que
    """
)
"""Words that are never reported: they say nothing of the music."""
