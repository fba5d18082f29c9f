"""The scenes that music can bring to mind, as data: kinds of scene, and pictures of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Picture:
    """A picture that a kind of scene may show.

    Attributes:
        topic: what such scenes are about: "sports competition".
        events: what happens, one of them.
        places: where or when, one of them; follows the event.
        videos: what videos show it.
    """

    topic: str
    events: tuple[str, ...]
    places: tuple[str, ...]
    videos: str


@dataclass(frozen=True)
class Kind:
    """A kind of scene.

    Attributes:
        pictures: what it may show, by palette in the order of truth.PALETTES.
        states: how it feels there, as what follows "where"; the usual one by tempo, slow first.
        moods: words for its mood.
        frames: sentences about a scene, as such scenes are usually told.
        video_frame: the sentence about its videos.
    """

    pictures: tuple[Picture, ...]
    states: tuple[str, ...]
    moods: tuple[str, ...]
    frames: tuple[str, ...]
    video_frame: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "pursuit": Kind(
            (
                Picture(
                    "an escape on foot",
                    ("a prisoner running for his life", "two friends fleeing from the guards"),
                    ("through a dark forest", "over the rooftops"),
                    "action trailers and escape games",
                ),
                Picture(
                    "a high-speed chase",
                    (
                        "police cars racing after a getaway van",
                        "a motorcycle weaving through traffic",
                    ),
                    ("in the middle of a crowded city", "across a bridge at night"),
                    "car chases and racing games",
                ),
                Picture(
                    "a race against time",
                    ("an engineer trying to stop the countdown", "a team breaking into the vault"),
                    ("before the alarm goes off", "in the last few seconds"),
                    "heist films and spy thrillers",
                ),
            ),
            (
                "danger is close behind and nobody may slow down",
                "every second counts and the pressure keeps rising",
                "a high level of tension and excitement is being built up",
            ),
            ("urgent", "frantic", "relentless", "intense"),
            (
                "Fits {topic} at full speed: {event} {place}, while {state}.",
                "One can picture {event} {place} as {state}; only {topic} is so {mood}.",
            ),
            "Videos full of speed: {videos}, with {event} {place}.",
        ),
        "battle": Kind(
            (
                Picture(
                    "a great battle",
                    ("two armies charging at each other", "a lone warrior facing the enemy"),
                    ("on a burning field", "before the gates of a castle"),
                    "fantasy trailers and war films",
                ),
                Picture(
                    "a fight between rivals",
                    ("two fighters circling in the ring", "a street fight breaking out"),
                    ("under harsh lights", "in an empty warehouse"),
                    "fight scenes and boxing promos",
                ),
                Picture(
                    "a duel",
                    ("two swordsmen crossing blades", "a gunslinger reaching for his weapon"),
                    ("in a silent courtyard", "at high noon"),
                    "duel scenes and western films",
                ),
            ),
            (
                "raw power meets stubborn resistance",
                "the conflict reaches its breaking point",
                "anger and determination drive every blow",
            ),
            ("aggressive", "fierce", "defiant", "dramatic"),
            (
                "Made to accompany {topic}: {event} {place}, when {state}.",
                "This belongs under {event} {place}, at the height of {topic}, once {state}.",
            ),
            "For {videos} in which {event} {place} must look huge.",
        ),
        "suspense": Kind(
            (
                Picture(
                    "a secret meeting",
                    ("spies exchanging a briefcase", "strangers whispering behind a door"),
                    ("in an underground car park", "at the back of a theatre"),
                    "spy films and political dramas",
                ),
                Picture(
                    "a tense waiting",
                    ("a soldier watching the border", "a family hiding from the searchers"),
                    ("in the silence before dawn", "with the lights switched off"),
                    "thrillers and war dramas",
                ),
                Picture(
                    "an investigation",
                    ("a detective going through old files", "an agent following a suspect"),
                    ("in a dim office", "along a rainy street"),
                    "crime series and true crime documentaries",
                ),
            ),
            (
                "something is about to go wrong",
                "nobody knows whom to trust",
                "the tension grows with each step",
            ),
            ("tense", "suspenseful", "uneasy", "nervous"),
            (
                "It hints at {topic}, perhaps {event} {place}, and suggests that {state}.",
                "Imagine {event} {place}: a {mood} moment of {topic} in which {state}.",
            ),
            "It would serve {videos} that linger on {event} {place}.",
        ),
        "horror": Kind(
            (
                Picture(
                    "a threat that comes closer",
                    ("a shape moving under the water", "something breathing behind the trees"),
                    ("in thick fog", "far from any help"),
                    "monster films and dark trailers",
                ),
                Picture(
                    "a mystery in the dark",
                    ("explorers opening a sealed tomb", "a torch going out in a tunnel"),
                    ("deep under the ground", "in a deserted laboratory"),
                    "mystery games and science fiction thrillers",
                ),
                Picture(
                    "a haunted place",
                    ("a child walking towards an open cellar", "footsteps coming down the stairs"),
                    ("in an abandoned house", "in the middle of the night"),
                    "horror films and ghost stories",
                ),
            ),
            (
                "fear creeps in slowly",
                "an evil presence can be felt",
                "the dread never lets go",
            ),
            ("scary", "sinister", "eerie", "menacing"),
            (
                "Best kept for {topic}, with {event} {place} until {state}.",
                "What comes to mind is {event} {place}; {topic} where {state}.",
            ),
            "Only {videos} come to mind, showing {event} {place}.",
        ),
        "grief": Kind(
            (
                Picture(
                    "a farewell",
                    ("a mother waving to a departing train", "old friends parting for good"),
                    ("on an empty platform", "in the falling snow"),
                    "family dramas and tribute videos",
                ),
                Picture(
                    "a loss that is remembered",
                    ("a widow standing at a grave", "candles burning for the missing"),
                    ("on a grey morning", "in a small chapel"),
                    "memorials and historical documentaries",
                ),
                Picture(
                    "a lonely evening",
                    ("a man reading old letters", "a woman looking out of a rainy window"),
                    ("in a quiet apartment", "after everyone has left"),
                    "romantic dramas and sad short films",
                ),
            ),
            (
                "sorrow lies over everything",
                "memories hurt more than words can say",
                "there is nothing left but to let go",
            ),
            ("sad", "melancholic", "sorrowful", "wistful"),
            (
                "A fitting backdrop to {topic}: we see {event} {place}, and {state}.",
                "The {mood} tone speaks of {topic}, of {event} {place}, where {state}.",
            ),
            "Suited to {videos}, above all to {event} {place}.",
        ),
        "triumph": Kind(
            (
                Picture(
                    "a heroic adventure",
                    ("the heroes riding out at sunrise", "a ship setting sail for unknown lands"),
                    ("over wide open plains", "under a golden sky"),
                    "adventure films and fantasy games",
                ),
                Picture(
                    "sports competition",
                    (
                        "a crucial moment in a basketball game",
                        "runners sprinting to the finish line",
                    ),
                    ("in front of a cheering crowd", "in a packed stadium"),
                    "sports highlights and championship promos",
                ),
                Picture(
                    "a great victory",
                    ("the team lifting the trophy", "a rocket leaving the launch pad"),
                    ("as the nation watches", "while fireworks light the sky"),
                    "award ceremonies and national broadcasts",
                ),
            ),
            (
                "courage is rewarded and spirits are high",
                "everyone believes that anything is possible",
                "pride and joy carry the moment",
            ),
            ("triumphant", "heroic", "energetic", "powerful"),
            (
                "Ideal behind {topic}, such as {event} {place}, since {state}.",
                "You would expect {event} {place}: this is {topic}, and {state}.",
            ),
            "Ideal in {videos}, for instance {event} {place}.",
        ),
        "celebration": Kind(
            (
                Picture(
                    "a party",
                    ("people dancing at a wedding", "a street festival with bright costumes"),
                    ("under strings of lights", "in the town square"),
                    "wedding films and event recaps",
                ),
                Picture(
                    "a road trip",
                    ("friends driving along the coast", "cyclists rolling down a country road"),
                    ("with the windows down", "on the first day of summer"),
                    "travel vlogs and holiday adverts",
                ),
                Picture(
                    "a product launch",
                    ("a young team unveiling its invention", "hands building something new"),
                    ("in a bright studio", "on a busy workshop floor"),
                    "technology adverts and company films",
                ),
            ),
            (
                "everyone is in high spirits",
                "good news is shared with a smile",
                "life feels light and full of promise",
            ),
            ("upbeat", "cheerful", "uplifting", "joyful"),
            (
                "Works well with {topic}, say {event} {place}, because {state}.",
                "So {mood} that {event} {place} come to life in {topic}; here {state}.",
            ),
            "Works in {videos}, say {event} {place}.",
        ),
        "comedy": Kind(
            (
                Picture(
                    "a clumsy mishap",
                    ("a waiter balancing too many plates", "a man chasing his hat"),
                    ("in a busy restaurant", "on a windy day"),
                    "comedy sketches and cartoons",
                ),
                Picture(
                    "cooking and crafts",
                    ("a grandmother baking with the kids", "someone decorating a cake"),
                    ("in a sunny kitchen", "on a Sunday afternoon"),
                    "cooking shows and craft tutorials",
                ),
                Picture(
                    "a playful prank",
                    ("a puppy stealing a sausage", "children hiding from their teacher"),
                    ("in the kitchen", "behind the school"),
                    "family comedies and pet videos",
                ),
            ),
            (
                "nothing is meant seriously",
                "one small mistake leads to the next",
                "curiosity and mischief take over",
            ),
            ("playful", "quirky", "lighthearted", "whimsical"),
            (
                "Calls for {topic}, like {event} {place}, so that {state}.",
                "Put it beneath {event} {place}; as {mood} as {topic} gets when {state}.",
            ),
            "Calls for {videos} about {event} {place}.",
        ),
        "wonder": Kind(
            (
                Picture(
                    "a first sight of something beautiful",
                    ("whales rising beside a small boat", "northern lights over a frozen lake"),
                    ("in the silence of the north", "as the clouds open"),
                    "nature films and dreamy montages",
                ),
                Picture(
                    "a journey through space",
                    ("astronauts drifting past the moon", "a telescope finding a new world"),
                    ("among countless stars", "high above the earth"),
                    "space documentaries and planetarium shows",
                ),
                Picture(
                    "a magical discovery",
                    ("a girl opening a glowing book", "a hidden garden coming to life"),
                    ("in an old library", "behind a forgotten gate"),
                    "fairy tales and fantasy games",
                ),
            ),
            (
                "the world seems full of secrets",
                "wonder replaces every worry",
                "time appears to stand still",
            ),
            ("dreamy", "magical", "hopeful", "enchanting"),
            (
                "Evokes {topic}, with {event} {place}, as though {state}.",
                "Listening, one sees {event} {place}, {topic} during which {state}.",
            ),
            "Opens {videos}, as when you see {event} {place}.",
        ),
        "daily": Kind(
            (
                Picture(
                    "a portrait of people at work",
                    ("farmers bringing in the harvest", "craftsmen restoring a boat"),
                    ("in the evening light", "with steady hands"),
                    "interviews and charity films",
                ),
                Picture(
                    "an explanation",
                    ("a scientist presenting her results", "an animated chart growing"),
                    ("in a modern laboratory", "step by step"),
                    "explainer videos and tutorials",
                ),
                Picture(
                    "everyday life",
                    ("commuters crossing a square", "a baker opening the shop"),
                    ("on a bright morning", "in a small town"),
                    "documentaries and city portraits",
                ),
            ),
            (
                "things take their usual course",
                "calm confidence fills the room",
                "attention stays on the story being told",
            ),
            ("pleasant", "relaxed", "gentle", "optimistic"),
            (
                "Good company for {topic}: {event} {place}, while {state}.",
                "Leaves space for {topic} and runs along with {event} {place}; {state}.",
            ),
            "Fine below the voice in {videos}, over pictures of {event} {place}.",
        ),
        "romance": Kind(
            (
                Picture(
                    "a tender love story",
                    ("a couple dancing alone", "two hands touching for the first time"),
                    ("in a candlelit room", "by the river at dusk"),
                    "romantic films and wedding videos",
                ),
                Picture(
                    "a reunion",
                    ("a father embracing his daughter", "old neighbours meeting again"),
                    ("at the garden gate", "after many years"),
                    "heartfelt dramas and charity adverts",
                ),
                Picture(
                    "family memories",
                    ("parents watching their baby sleep", "a photo album being opened"),
                    ("in a warm living room", "late in the evening"),
                    "family films and slideshows",
                ),
            ),
            (
                "love is felt without words",
                "warmth fills the whole room",
                "a quiet happiness settles in",
            ),
            ("tender", "romantic", "warm", "intimate"),
            (
                "Tells of {topic}, of {event} {place}, for {state}.",
                "Right for {event} {place} in {topic}, whenever {state}.",
            ),
            "Meant for {videos}, with {event} {place} at their heart.",
        ),
        "nature": Kind(
            (
                Picture(
                    "a peaceful landscape",
                    ("mist rising over a lake", "sunlight moving across the mountains"),
                    ("at first light", "without a single human sound"),
                    "nature documentaries and travel films",
                ),
                Picture(
                    "rest and meditation",
                    ("a woman practising yoga", "a slow walk along the beach"),
                    ("in the early morning", "by the open sea"),
                    "meditation apps and wellness videos",
                ),
                Picture(
                    "a quiet night",
                    ("snow settling on sleeping houses", "stars appearing one by one"),
                    ("above a silent valley", "while the village sleeps"),
                    "sleep stories and calm montages",
                ),
            ),
            (
                "everything is at rest",
                "peace and stillness spread out",
                "there is room to breathe",
            ),
            ("calm", "peaceful", "serene", "soothing"),
            (
                "Invites {topic}: {event} {place}, and {state}.",
                "Let it play over {event} {place}, {topic} in which {state}.",
            ),
            "Rests under {videos}, where {event} {place} fill the screen.",
        ),
    }
)
"""Every kind of scene by name."""
