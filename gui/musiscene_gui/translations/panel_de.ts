<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name></name>
    <message>
        <source>Harmony</source>
        <translation>Harmonie</translation>
    </message>
    <message>
        <source>Melody</source>
        <translation>Melodie</translation>
    </message>
    <message>
        <source>Bass</source>
        <translation>Bass</translation>
    </message>
    <message>
        <source>Percussion</source>
        <translation>Schlagwerk</translation>
    </message>
    <message>
        <source>Texture</source>
        <translation>Textur</translation>
    </message>
    <message>
        <source>Mix</source>
        <translation>Mischung</translation>
    </message>
    <message>
        <source>action ostinato</source>
        <translation>Action-Ostinato</translation>
    </message>
    <message>
        <source>ambient pad</source>
        <translation>Ambient-Fläche</translation>
    </message>
    <message>
        <source>comedy pizzicato</source>
        <translation>Komödie, Pizzicato</translation>
    </message>
    <message>
        <source>documentary, neutral</source>
        <translation>Dokumentation, neutral</translation>
    </message>
    <message>
        <source>heroic</source>
        <translation>heldenhaft</translation>
    </message>
    <message>
        <source>horror clusters</source>
        <translation>Horror-Cluster</translation>
    </message>
    <message>
        <source>hybrid trailer</source>
        <translation>Hybrid-Trailer</translation>
    </message>
    <message>
        <source>intimate piano</source>
        <translation>inniges Klavier</translation>
    </message>
    <message>
        <source>melancholy</source>
        <translation>Melancholie</translation>
    </message>
    <message>
        <source>string drama</source>
        <translation>Streicherdrama</translation>
    </message>
    <message>
        <source>pulse of tension</source>
        <translation>Spannungspuls</translation>
    </message>
    <message>
        <source>uplifting</source>
        <translation>aufbauend</translation>
    </message>
    <message>
        <source>wonder</source>
        <translation>Staunen</translation>
    </message>
    <message>
        <source>cut</source>
        <translation>Schnitt</translation>
    </message>
    <message>
        <source>motion</source>
        <translation>Bewegung</translation>
    </message>
    <message>
        <source>sudden motion</source>
        <translation>plötzliche Bewegung</translation>
    </message>
    <message>
        <source>end of dialogue</source>
        <translation>Dialogende</translation>
    </message>
    <message>
        <source>line ends</source>
        <translation>Satz endet</translation>
    </message>
    <message>
        <source>marker</source>
        <translation>Marke</translation>
    </message>
    <message>
        <source>shot {0}</source>
        <translation>Einstellung {0}</translation>
    </message>
    <message>
        <source>{lufs} LUFS · {peak} dBTP</source>
        <translation>{lufs} LUFS · {peak} dBTP</translation>
    </message>
    <message>
        <source>{met} of {total} hits within a frame; the worst is {worst} frames off</source>
        <translation>{met} von {total} Trefferpunkten auf ein Bild genau; der schlechteste liegt {worst} Bilder daneben</translation>
    </message>
    <message>
        <source>hits {met}/{total}</source>
        <translation>Treffer {met}/{total}</translation>
    </message>
    <message>
        <source>No hit points were chosen.</source>
        <translation>Es wurden keine Trefferpunkte gewählt.</translation>
    </message>
    <message>
        <source>bar line</source>
        <translation>Taktanfang</translation>
    </message>
    <message>
        <source>beat</source>
        <translation>Schlag</translation>
    </message>
    <message>
        <source>half beat</source>
        <translation>halber Schlag</translation>
    </message>
    <message>
        <source>attack</source>
        <translation>Anschlag</translation>
    </message>
    <message>
        <source>{name}: not met, neither a beat nor an attack is clear</source>
        <translation>{name}: nicht getroffen, weder Schlag noch Anschlag ist deutlich</translation>
    </message>
    <message>
        <source>{name}: not met, the nearest {place} is {frames} frames off</source>
        <translation>{name}: nicht getroffen, am nächsten liegt: {place}, {frames} Bilder daneben</translation>
    </message>
    <message>
        <source>{name}: {place}, was {frames} frames off; music before it stretched by {percent} %</source>
        <translation>{name}: {place}, lag {frames} Bilder daneben; Musik davor um {percent} % gedehnt</translation>
    </message>
    <message>
        <source>nothing is struck there</source>
        <translation>dort wird nichts angeschlagen</translation>
    </message>
    <message>
        <source>heard {frames} frames off</source>
        <translation>zu hören {frames} Bilder daneben</translation>
    </message>
    <message>
        <source>{bpm:.0f} BPM</source>
        <translation>{bpm:.0f} BPM</translation>
    </message>
    <message>
        <source>{engine} · seed {seed} · {licence}</source>
        <translation>{engine} · Startwert {seed} · {licence}</translation>
    </message>
    <message>
        <source>Critic: {rank} of {among} · {reason}</source>
        <translation>Kritik: {rank} von {among} · {reason}</translation>
    </message>
    <message>
        <source>Feeling</source>
        <translation>Gefühl</translation>
    </message>
    <message>
        <source>Words</source>
        <translation>Worte</translation>
    </message>
    <message>
        <source>Hits</source>
        <translation>Treffer</translation>
    </message>
    <message>
        <source>Loudness</source>
        <translation>Lautheit</translation>
    </message>
    <message>
        <source>Judged by what was measured.</source>
        <translation>Nach Messwerten beurteilt.</translation>
    </message>
    <message>
        <source>Heard by {listener}.</source>
        <translation>Gehört von {listener}.</translation>
    </message>
    <message>
        <source>GB</source>
        <translation>GB</translation>
    </message>
    <message>
        <source>MB</source>
        <translation>MB</translation>
    </message>
    <message>
        <source>{kilobytes:.0f} kB</source>
        <translation>{kilobytes:.0f} kB</translation>
    </message>
    <message>
        <source>Watching</source>
        <translation>Sehen</translation>
    </message>
    <message>
        <source>Scoring</source>
        <translation>Vertonung</translation>
    </message>
    <message>
        <source>Composing</source>
        <translation>Komponieren</translation>
    </message>
    <message>
        <source>Writing captions</source>
        <translation>Texte schreiben</translation>
    </message>
    <message>
        <source>Fitting to the new cut</source>
        <translation>Anpassen an den neuen Schnitt</translation>
    </message>
    <message>
        <source>nearly done</source>
        <translation>fast fertig</translation>
    </message>
    <message>
        <source>about {seconds:.0f} s left</source>
        <translation>noch etwa {seconds:.0f} s</translation>
    </message>
    <message>
        <source>about {minutes:.0f} min left</source>
        <translation>noch etwa {minutes:.0f} min</translation>
    </message>
    <message>
        <source>In at {0}</source>
        <translation>In bei {0}</translation>
    </message>
    <message>
        <source>Out at {0}</source>
        <translation>Out bei {0}</translation>
    </message>
    <message>
        <source>Shot {0}, {1} to {2}</source>
        <translation>Einstellung {0}, {1} bis {2}</translation>
    </message>
    <message>
        <source>Dialogue, {0} to {1}</source>
        <translation>Dialog, {0} bis {1}</translation>
    </message>
    <message>
        <source>Hit point at {0}</source>
        <translation>Trefferpunkt bei {0}</translation>
    </message>
    <message>
        <source>held</source>
        <translation>gehalten</translation>
    </message>
    <message>
        <source>left to the engine</source>
        <translation>dem Erzeuger überlassen</translation>
    </message>
    <message>
        <source>Marker at {0}: {1}</source>
        <translation>Marke bei {0}: {1}</translation>
    </message>
    <message>
        <source>Music: {0}, {1} to {2}</source>
        <translation>Musik: {0}, {1} bis {2}</translation>
    </message>
    <message>
        <source>Temp track, {0} to {1}</source>
        <translation>Temp-Musik, {0} bis {1}</translation>
    </message>
    <message>
        <source>Playhead at {0}</source>
        <translation>Abspielposition bei {0}</translation>
    </message>
    <message>
        <source>Input</source>
        <translation>Eingabe</translation>
    </message>
    <message>
        <source>Timecode</source>
        <translation>Timecode</translation>
    </message>
    <message>
        <source>Range</source>
        <translation>Bereich</translation>
    </message>
    <message>
        <source>Media</source>
        <translation>Medien</translation>
    </message>
    <message>
        <source>Media offline</source>
        <translation>Medien offline</translation>
    </message>
    <message>
        <source>Timeline</source>
        <translation>Timeline</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Request</source>
        <translation>Auftrag</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Schreiben</translation>
    </message>
    <message>
        <source>Editor</source>
        <translation>Schnittprogramm</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Erzeuger</translation>
    </message>
    <message>
        <source>Daemon</source>
        <translation>Dienst</translation>
    </message>
    <message>
        <source>Work</source>
        <translation>Arbeit</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>Fehler</translation>
    </message>
    <message>
        <source>C major</source>
        <translation>C-Dur</translation>
    </message>
    <message>
        <source>Db major</source>
        <translation>Des-Dur</translation>
    </message>
    <message>
        <source>D major</source>
        <translation>D-Dur</translation>
    </message>
    <message>
        <source>Eb major</source>
        <translation>Es-Dur</translation>
    </message>
    <message>
        <source>E major</source>
        <translation>E-Dur</translation>
    </message>
    <message>
        <source>F major</source>
        <translation>F-Dur</translation>
    </message>
    <message>
        <source>F# major</source>
        <translation>Fis-Dur</translation>
    </message>
    <message>
        <source>G major</source>
        <translation>G-Dur</translation>
    </message>
    <message>
        <source>Ab major</source>
        <translation>As-Dur</translation>
    </message>
    <message>
        <source>A major</source>
        <translation>A-Dur</translation>
    </message>
    <message>
        <source>Bb major</source>
        <translation>B-Dur</translation>
    </message>
    <message>
        <source>B major</source>
        <translation>H-Dur</translation>
    </message>
    <message>
        <source>C minor</source>
        <translation>c-Moll</translation>
    </message>
    <message>
        <source>C# minor</source>
        <translation>cis-Moll</translation>
    </message>
    <message>
        <source>D minor</source>
        <translation>d-Moll</translation>
    </message>
    <message>
        <source>Eb minor</source>
        <translation>es-Moll</translation>
    </message>
    <message>
        <source>E minor</source>
        <translation>e-Moll</translation>
    </message>
    <message>
        <source>F minor</source>
        <translation>f-Moll</translation>
    </message>
    <message>
        <source>F# minor</source>
        <translation>fis-Moll</translation>
    </message>
    <message>
        <source>G minor</source>
        <translation>g-Moll</translation>
    </message>
    <message>
        <source>G# minor</source>
        <translation>gis-Moll</translation>
    </message>
    <message>
        <source>A minor</source>
        <translation>a-Moll</translation>
    </message>
    <message>
        <source>Bb minor</source>
        <translation>b-Moll</translation>
    </message>
    <message>
        <source>B minor</source>
        <translation>h-Moll</translation>
    </message>
    <message>
        <source>.</source>
        <comment>decimal sign</comment>
        <translation>,</translation>
    </message>
    <message>
        <source>Strength</source>
        <translation>Stärke</translation>
    </message>
    <message>
        <source>Pleasantness</source>
        <translation>Annehmlichkeit</translation>
    </message>
    <message>
        <source>{name}: {asked} asked</source>
        <translation>{name}: {asked} gewünscht</translation>
    </message>
    <message>
        <source>{name}: {asked} asked, {heard} heard</source>
        <translation>{name}: {asked} gewünscht, {heard} gehört</translation>
    </message>
</context>
<context>
    <name>Application</name>
    <message>
        <source>Open a film or timeline</source>
        <translation>Film oder Timeline öffnen</translation>
    </message>
</context>
<context>
    <name>CaptionBox</name>
    <message>
        <source>measured</source>
        <translation>gemessen</translation>
    </message>
    <message>
        <source>model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>yours</source>
        <translation>von dir</translation>
    </message>
    <message>
        <source>What the composer reads</source>
        <translation>Was der Komponist liest</translation>
    </message>
    <message>
        <source>What is seen</source>
        <translation>Was zu sehen ist</translation>
    </message>
    <message>
        <source>What the temp track imagines</source>
        <translation>Was die Temp-Musik vorstellt</translation>
    </message>
    <message>
        <source>What the temp track sounds like</source>
        <translation>Wie die Temp-Musik klingt</translation>
    </message>
    <message>
        <source>Musical directions</source>
        <translation>Musikalische Angaben</translation>
    </message>
    <message>
        <source>Spot the range, or write your own words.</source>
        <translation>Den Bereich sichten oder eigene Worte schreiben.</translation>
    </message>
    <message>
        <source>edited</source>
        <translation>bearbeitet</translation>
    </message>
    <message>
        <source>Back to the words as they were written first</source>
        <translation>Zurück zum ursprünglichen Text</translation>
    </message>
    <message>
        <source>Write this caption anew</source>
        <translation>Diesen Text neu schreiben</translation>
    </message>
</context>
<context>
    <name>Captions</name>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Imagination</source>
        <translation>Vorstellung</translation>
    </message>
    <message>
        <source>Music</source>
        <translation>Musik</translation>
    </message>
    <message>
        <source>Conditions</source>
        <translation>Angaben</translation>
    </message>
    <message>
        <source>Other captions</source>
        <translation>Weitere Texte</translation>
    </message>
</context>
<context>
    <name>CompareDialog</name>
    <message>
        <source>Compare takes</source>
        <translation>Fassungen vergleichen</translation>
    </message>
    <message>
        <source>Take on the left</source>
        <translation>Fassung links</translation>
    </message>
    <message>
        <source>Take on the right</source>
        <translation>Fassung rechts</translation>
    </message>
    <message>
        <source>Use its captions and seed again</source>
        <translation>Texte und Startwert wieder nehmen</translation>
    </message>
    <message>
        <source>Both takes</source>
        <translation>Beide Fassungen</translation>
    </message>
    <message>
        <source>Fusion</source>
        <translation>Fusion</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Imagination</source>
        <translation>Vorstellung</translation>
    </message>
    <message>
        <source>Music</source>
        <translation>Musik</translation>
    </message>
    <message>
        <source>Music conditions</source>
        <translation>Musikalische Angaben</translation>
    </message>
    <message>
        <source>Made by</source>
        <translation>Erzeugt von</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>Critic</source>
        <translation>Kritik</translation>
    </message>
</context>
<context>
    <name>ErrorBar</name>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Copy the message, to ask somebody</source>
        <translation>Meldung kopieren, um jemanden zu fragen</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
</context>
<context>
    <name>FileHandle</name>
    <message>
        <source>File of {stem}</source>
        <translation>Datei: {stem}</translation>
    </message>
    <message>
        <source>{stem}: drag it into any application, or copy it (Ctrl+C)</source>
        <translation>{stem}: in ein beliebiges Programm ziehen oder kopieren (Strg+C)</translation>
    </message>
    <message>
        <source>Copy file</source>
        <translation>Datei kopieren</translation>
    </message>
</context>
<context>
    <name>GeneratingGrid</name>
    <message>
        <source>Sketch</source>
        <translation>Skizze</translation>
    </message>
    <message>
        <source>What becomes of the composer&apos;s own cue</source>
        <translation>Was aus der Musik des Komponisten wird</translation>
    </message>
    <message>
        <source>Melody</source>
        <translation>Melodie</translation>
    </message>
    <message>
        <source>Whose melody the music follows</source>
        <translation>Wessen Melodie die Musik folgt</translation>
    </message>
    <message>
        <source>Guidance</source>
        <translation>Führung</translation>
    </message>
    <message>
        <source>How much more words count than nothing</source>
        <translation>Um wie viel mehr Worte zählen als nichts</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatur</translation>
    </message>
    <message>
        <source>How freely tokens are drawn</source>
        <translation>Wie frei Tokens gezogen werden</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Draw among so many tokens; 0 for all</source>
        <translation>Aus so vielen Tokens ziehen; 0 für alle</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Draw among this much chance; 0 for all</source>
        <translation>Aus so viel Wahrscheinlichkeit ziehen; 0 für alle</translation>
    </message>
    <message>
        <source>followed</source>
        <translation>wird befolgt</translation>
    </message>
    <message>
        <source>heard too</source>
        <translation>klingt auch</translation>
    </message>
    <message>
        <source>unused</source>
        <translation>unbenutzt</translation>
    </message>
    <message>
        <source>the sketch&apos;s</source>
        <translation>der Skizze</translation>
    </message>
    <message>
        <source>the temp track&apos;s</source>
        <translation>der Temp-Musik</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Open a film or timeline</source>
        <translation>Film oder Timeline öffnen</translation>
    </message>
    <message>
        <source>Film or timeline file…</source>
        <translation>Film- oder Timeline-Datei …</translation>
    </message>
    <message>
        <source>DaVinci Resolve Studio</source>
        <translation>DaVinci Resolve Studio</translation>
    </message>
    <message>
        <source>DaVinci Resolve, free edition (by its script)</source>
        <translation>DaVinci Resolve, kostenlose Ausgabe (über das Skript)</translation>
    </message>
    <message>
        <source>Read the timeline again</source>
        <translation>Timeline neu einlesen</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Nothing open</source>
        <translation>Nichts geöffnet</translation>
    </message>
    <message>
        <source>Opening…</source>
        <translation>Wird geöffnet …</translation>
    </message>
    <message>
        <source>Not opened</source>
        <translation>Nicht geöffnet</translation>
    </message>
    <message>
        <source>Studio</source>
        <translation>Studio</translation>
    </message>
    <message>
        <source>free edition</source>
        <translation>kostenlose Ausgabe</translation>
    </message>
    <message>
        <source>file</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>{0} fps</source>
        <translation>{0} fps</translation>
    </message>
    <message>
        <source>Looking for the daemon</source>
        <translation>Dienst wird gesucht</translation>
    </message>
    <message>
        <source>Daemon…</source>
        <translation>Dienst …</translation>
    </message>
    <message>
        <source>Daemon starting</source>
        <translation>Dienst startet</translation>
    </message>
    <message>
        <source>Daemon ready</source>
        <translation>Dienst bereit</translation>
    </message>
    <message>
        <source>Daemon</source>
        <translation>Dienst</translation>
    </message>
    <message>
        <source>Daemon rests until asked</source>
        <translation>Dienst ruht bis zur nächsten Anfrage</translation>
    </message>
    <message>
        <source>Daemon not reached</source>
        <translation>Dienst nicht erreichbar</translation>
    </message>
    <message>
        <source>Engines: {0}</source>
        <translation>Erzeuger: {0}</translation>
    </message>
</context>
<context>
    <name>HistoryView</name>
    <message>
        <source>Clear history</source>
        <translation>Verlauf leeren</translation>
    </message>
    <message>
        <source>Delete all takes but the favourites?</source>
        <translation>Alle Fassungen außer den Favoriten löschen?</translation>
    </message>
    <message>
        <source>What was placed on a timeline keeps playing only if its take is a favourite.</source>
        <translation>Auf einer Timeline Platziertes spielt nur weiter, wenn die Fassung ein Favorit ist.</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>History</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Search captions, cues, engines</source>
        <translation>Texte, Cues, Erzeuger suchen</translation>
    </message>
    <message>
        <source>Search the history</source>
        <translation>Verlauf durchsuchen</translation>
    </message>
    <message>
        <source>Show favourites only</source>
        <translation>Nur Favoriten zeigen</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>Clear…</source>
        <translation>Leeren …</translation>
    </message>
    <message>
        <source>Delete all takes but the favourites</source>
        <translation>Alle Fassungen außer den Favoriten löschen</translation>
    </message>
    <message>
        <source>Earlier takes</source>
        <translation>Frühere Fassungen</translation>
    </message>
    <message>
        <source>Nothing found.</source>
        <translation>Nichts gefunden.</translation>
    </message>
    <message>
        <source>Nothing was made yet.</source>
        <translation>Noch nichts erzeugt.</translation>
    </message>
    <message>
        <source>{count} takes · {size}</source>
        <translation>{count} Fassungen · {size}</translation>
    </message>
    <message>
        <source>1 take · {size}</source>
        <translation>1 Fassung · {size}</translation>
    </message>
    <message>
        <source>1 take</source>
        <translation>1 Fassung</translation>
    </message>
    <message>
        <source>{n} takes</source>
        <translation>{n} Fassungen</translation>
    </message>
    <message>
        <source>Has a favourite</source>
        <translation>Enthält einen Favoriten</translation>
    </message>
    <message>
        <source>seed {seed}</source>
        <translation>Startwert {seed}</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>No longer a favourite</source>
        <translation>Kein Favorit mehr</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Delete, but for favourites</source>
        <translation>Löschen, außer Favoriten</translation>
    </message>
    <message>
        <source>{count} takes deleted, {size} set free.</source>
        <translation>{count} Fassungen gelöscht, {size} frei geworden.</translation>
    </message>
</context>
<context>
    <name>JobRow</name>
    <message>
        <source>Cancel this</source>
        <translation>Diesen abbrechen</translation>
    </message>
    <message>
        <source>stopping</source>
        <translation>hält an</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>wartet</translation>
    </message>
    <message>
        <source>Progress of {job}</source>
        <translation>Fortschritt von {job}</translation>
    </message>
    <message>
        <source>Cancel {job}</source>
        <translation>{job} abbrechen</translation>
    </message>
</context>
<context>
    <name>JobsView</name>
    <message>
        <source>Work in progress</source>
        <translation>Laufende Arbeit</translation>
    </message>
    <message>
        <source>Cancel waiting</source>
        <translation>Wartende abbrechen</translation>
    </message>
    <message>
        <source>Cancel all</source>
        <translation>Alle abbrechen</translation>
    </message>
    <message>
        <source>Only what this panel asked for</source>
        <translation>Nur was von hier verlangt wurde</translation>
    </message>
    <message>
        <source>1 job of another program</source>
        <translation>1 Auftrag eines anderen Programms</translation>
    </message>
    <message>
        <source>{count} jobs of other programs</source>
        <translation>{count} Aufträge anderer Programme</translation>
    </message>
</context>
<context>
    <name>LeadSheetDialog</name>
    <message>
        <source>Lead sheet · {title}</source>
        <translation>Leadsheet · {title}</translation>
    </message>
    <message>
        <source>Page {number}</source>
        <translation>Seite {number}</translation>
    </message>
    <message>
        <source>Page {number} cannot be read.</source>
        <translation>Seite {number} ist nicht lesbar.</translation>
    </message>
    <message>
        <source>Lead sheet</source>
        <translation>Leadsheet</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>MusiScene</source>
        <translation>MusiScene</translation>
    </message>
    <message>
        <source>Scene</source>
        <translation>Szene</translation>
    </message>
    <message>
        <source>Takes</source>
        <translation>Fassungen</translation>
    </message>
    <message>
        <source>History</source>
        <translation>Verlauf</translation>
    </message>
    <message>
        <source>Parts of the panel</source>
        <translation>Bereiche</translation>
    </message>
</context>
<context>
    <name>Notices</name>
    <message>
        <source>Try again</source>
        <translation>Erneut versuchen</translation>
    </message>
    <message>
        <source>Start the daemon</source>
        <translation>Dienst starten</translation>
    </message>
    <message>
        <source>Reload</source>
        <translation>Neu einlesen</translation>
    </message>
    <message>
        <source>Start and try again</source>
        <translation>Starten und erneut versuchen</translation>
    </message>
    <message>
        <source>Use the composer</source>
        <translation>Den Komponisten nehmen</translation>
    </message>
    <message>
        <source>Use measures alone</source>
        <translation>Nur Messwerte nehmen</translation>
    </message>
</context>
<context>
    <name>Preview</name>
    <message>
        <source>Picture at the playhead</source>
        <translation>Bild an der Abspielmarke</translation>
    </message>
    <message>
        <source>Left and right step by frames</source>
        <translation>Links und rechts gehen bildweise</translation>
    </message>
    <message>
        <source>No picture here</source>
        <translation>Hier ist kein Bild</translation>
    </message>
</context>
<context>
    <name>Said</name>
    <message>
        <source>Take {0}: {1}</source>
        <translation>Fassung {0}: {1}</translation>
    </message>
    <message>
        <source>Watching {0}</source>
        <translation>Sehe {0}</translation>
    </message>
    <message>
        <source>Reading {0}</source>
        <translation>Lese {0}</translation>
    </message>
    <message>
        <source>Looking at the sound</source>
        <translation>Untersuche den Ton</translation>
    </message>
    <message>
        <source>Listening</source>
        <translation>Höre zu</translation>
    </message>
    <message>
        <source>Listening to section {0} of {1}</source>
        <translation>Höre Abschnitt {0} von {1}</translation>
    </message>
    <message>
        <source>Listening to the music</source>
        <translation>Höre die Musik</translation>
    </message>
    <message>
        <source>Listening to the earlier take</source>
        <translation>Höre die frühere Fassung</translation>
    </message>
    <message>
        <source>Listened to the range</source>
        <translation>Bereich gehört</translation>
    </message>
    <message>
        <source>Writing the brief</source>
        <translation>Schreibe die Beschreibung</translation>
    </message>
    <message>
        <source>Writing video</source>
        <translation>Schreibe, was zu sehen ist</translation>
    </message>
    <message>
        <source>Writing music</source>
        <translation>Schreibe, wie die Temp-Musik klingt</translation>
    </message>
    <message>
        <source>Writing scene imagination</source>
        <translation>Schreibe die Vorstellung</translation>
    </message>
    <message>
        <source>Writing fusion</source>
        <translation>Schreibe, was der Komponist liest</translation>
    </message>
    <message>
        <source>Writing music conditions</source>
        <translation>Schreibe musikalische Angaben</translation>
    </message>
    <message>
        <source>Planning the music</source>
        <translation>Plane die Musik</translation>
    </message>
    <message>
        <source>Composing</source>
        <translation>Komponieren</translation>
    </message>
    <message>
        <source>Playing the instruments</source>
        <translation>Spiele die Instrumente</translation>
    </message>
    <message>
        <source>Mixing and mastering</source>
        <translation>Mische und mastere</translation>
    </message>
    <message>
        <source>Writing the score</source>
        <translation>Schreibe die Partitur</translation>
    </message>
    <message>
        <source>Writing the music</source>
        <translation>Schreibe die Musik</translation>
    </message>
    <message>
        <source>Writing the take</source>
        <translation>Schreibe die Fassung</translation>
    </message>
    <message>
        <source>Drawing the lead sheet</source>
        <translation>Zeichne das Leadsheet</translation>
    </message>
    <message>
        <source>Generating the music</source>
        <translation>Erzeuge die Musik</translation>
    </message>
    <message>
        <source>Decoding the music</source>
        <translation>Dekodiere die Musik</translation>
    </message>
    <message>
        <source>Joining the music</source>
        <translation>Füge die Musik zusammen</translation>
    </message>
    <message>
        <source>Parting music from dialogue</source>
        <translation>Trenne Musik und Dialog</translation>
    </message>
    <message>
        <source>Fetching frames</source>
        <translation>Hole Einzelbilder</translation>
    </message>
    <message>
        <source>Loading the vision model</source>
        <translation>Lade das Bildmodell</translation>
    </message>
    <message>
        <source>Loading the mood model</source>
        <translation>Lade das Stimmungsmodell</translation>
    </message>
    <message>
        <source>Loading the language model</source>
        <translation>Lade das Sprachmodell</translation>
    </message>
    <message>
        <source>Finding the sections</source>
        <translation>Suche die Abschnitte</translation>
    </message>
    <message>
        <source>Reading the sounds</source>
        <translation>Lese die Töne</translation>
    </message>
    <message>
        <source>Laying the music on picture</source>
        <translation>Lege die Musik ans Bild</translation>
    </message>
    <message>
        <source>Starting the environment</source>
        <translation>Starte die Umgebung</translation>
    </message>
    <message>
        <source>Waiting for the model {0}</source>
        <translation>Warte auf das Modell {0}</translation>
    </message>
    <message>
        <source>{0} is not there.</source>
        <translation>{0} ist nicht da.</translation>
    </message>
    <message>
        <source>Check the name; give a movie or an .otio timeline.</source>
        <translation>Den Namen prüfen; einen Film oder eine .otio-Timeline angeben.</translation>
    </message>
    <message>
        <source>The daemon is not running.</source>
        <translation>Der Dienst läuft nicht.</translation>
    </message>
    <message>
        <source>Start it with `musiscene daemon start`.</source>
        <translation>Mit `musiscene daemon start` starten.</translation>
    </message>
    <message>
        <source>The daemon has not started within {0} s.</source>
        <translation>Der Dienst ist nach {0} s noch nicht gestartet.</translation>
    </message>
    <message>
        <source>The machine may be busy; try again.</source>
        <translation>Der Rechner ist vielleicht beschäftigt; noch einmal versuchen.</translation>
    </message>
    <message>
        <source>The daemon cannot be started: {0}</source>
        <translation>Der Dienst lässt sich nicht starten: {0}</translation>
    </message>
    <message>
        <source>The engine &apos;{0}&apos; cannot work yet: {1}</source>
        <translation>Der Erzeuger „{0}“ kann noch nicht arbeiten: {1}</translation>
    </message>
    <message>
        <source>Put that right and restart the daemon, or choose another engine.</source>
        <translation>Das beheben und den Dienst neu starten, oder einen anderen Erzeuger wählen.</translation>
    </message>
    <message>
        <source>There is no engine called &apos;{0}&apos;.</source>
        <translation>Es gibt keinen Erzeuger namens „{0}“.</translation>
    </message>
    <message>
        <source>There is no captioner called &apos;{0}&apos;.</source>
        <translation>Es gibt keinen Textgeber namens „{0}“.</translation>
    </message>
    <message>
        <source>The captioner &apos;{0}&apos; cannot work yet.</source>
        <translation>Der Textgeber „{0}“ kann noch nicht arbeiten.</translation>
    </message>
    <message>
        <source>The range lasts {0} s; {1} scores up to {2} s.</source>
        <translation>Der Bereich dauert {0} s; {1} vertont bis zu {2} s.</translation>
    </message>
    <message>
        <source>Mark a shorter range.</source>
        <translation>Einen kürzeren Bereich markieren.</translation>
    </message>
    <message>
        <source>The editor has not answered for {0} s.</source>
        <translation>Das Schnittprogramm antwortet seit {0} s nicht.</translation>
    </message>
    <message>
        <source>Look whether it shows a dialog, then reload.</source>
        <translation>Nachsehen, ob dort ein Dialog offen ist, dann neu laden.</translation>
    </message>
    <message>
        <source>The connection to the editor broke.</source>
        <translation>Die Verbindung zum Schnittprogramm ist abgerissen.</translation>
    </message>
    <message>
        <source>Reload the timeline.</source>
        <translation>Die Timeline neu laden.</translation>
    </message>
    <message>
        <source>No timeline is open.</source>
        <translation>Es ist keine Timeline geöffnet.</translation>
    </message>
    <message>
        <source>Open a film or timeline first.</source>
        <translation>Zuerst einen Film oder eine Timeline öffnen.</translation>
    </message>
    <message>
        <source>DaVinci Resolve&apos;s scripting module is not on this machine.</source>
        <translation>Das Skriptmodul von DaVinci Resolve ist nicht auf diesem Rechner.</translation>
    </message>
    <message>
        <source>No sound device can be opened; playing silently.</source>
        <translation>Kein Tongerät lässt sich öffnen; es wird stumm gespielt.</translation>
    </message>
    <message>
        <source>Connect one, or let go of it in other programs, then play again.</source>
        <translation>Eines anschließen oder in anderen Programmen freigeben, dann wieder abspielen.</translation>
    </message>
    <message>
        <source>The sound device has gone; playing on another one.</source>
        <translation>Das Tongerät ist weg; es wird auf einem anderen gespielt.</translation>
    </message>
    <message>
        <source>The take was not placed: music of ours lies there already.</source>
        <translation>Die Fassung wurde nicht platziert: Dort liegt schon Musik von uns.</translation>
    </message>
    <message>
        <source>Place it on new tracks, or replace the earlier music.</source>
        <translation>Auf neuen Spuren platzieren oder die frühere Musik ersetzen.</translation>
    </message>
    <message>
        <source>This take has no score to read.</source>
        <translation>Zu dieser Fassung gibt es keine Noten.</translation>
    </message>
    <message>
        <source>The composer writes one; other engines do not.</source>
        <translation>Der Komponist schreibt welche; andere Erzeuger nicht.</translation>
    </message>
    <message>
        <source>Score the scene again.</source>
        <translation>Die Szene noch einmal vertonen.</translation>
    </message>
    <message>
        <source>Something is being made just now.</source>
        <translation>Gerade wird etwas gemacht.</translation>
    </message>
    <message>
        <source>Wait for it, or cancel it.</source>
        <translation>Warten Sie darauf, oder brechen Sie es ab.</translation>
    </message>
    <message>
        <source>That take is of a scene that is not on this timeline.</source>
        <translation>Dieser Take ist für eine Szene, die nicht auf dieser Timeline liegt.</translation>
    </message>
    <message>
        <source>Open the film or timeline it was made for.</source>
        <translation>Öffnen Sie den Film oder die Timeline, für die er gemacht wurde.</translation>
    </message>
    <message>
        <source>{0} of {1} is a favourite.</source>
        <translation>{0} von {1} ist ein Favorit.</translation>
    </message>
    <message>
        <source>The disk is full; the result was not kept.</source>
        <translation>Der Datenträger ist voll; das Ergebnis wurde nicht behalten.</translation>
    </message>
    <message>
        <source>Free some space on the disk of {0}, then try again: what was made before is untouched.</source>
        <translation>Schaffen Sie Platz auf dem Datenträger von {0} und versuchen Sie es noch einmal: Früheres ist unberührt.</translation>
    </message>
    <message>
        <source>The disk is full; {0} was not written.</source>
        <translation>Der Datenträger ist voll; {0} wurde nicht geschrieben.</translation>
    </message>
    <message>
        <source>Free some space or choose another folder, then try again.</source>
        <translation>Schaffen Sie Platz oder wählen Sie einen anderen Ordner, und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>{0} cannot be written: no permission.</source>
        <translation>{0} kann nicht geschrieben werden: keine Berechtigung.</translation>
    </message>
    <message>
        <source>{0} cannot be written: its folder or drive is gone.</source>
        <translation>{0} kann nicht geschrieben werden: Ordner oder Laufwerk ist nicht mehr da.</translation>
    </message>
    <message>
        <source>Put it back or choose another folder, then try again.</source>
        <translation>Wieder bereitstellen oder einen anderen Ordner wählen, dann noch einmal versuchen.</translation>
    </message>
    <message>
        <source>Copy the film or timeline to a folder you may write to and open it there: the take is kept.</source>
        <translation>Kopieren Sie Film oder Timeline in einen Ordner, in den Sie schreiben dürfen, und öffnen Sie sie dort: Die Fassung bleibt erhalten.</translation>
    </message>
    <message>
        <source>{0} is not there any more; nothing was placed.</source>
        <translation>{0} ist nicht mehr da; nichts wurde platziert.</translation>
    </message>
    <message>
        <source>Put it or its drive back and place again: the take is kept.</source>
        <translation>Schließen Sie das Laufwerk wieder an oder legen Sie die Datei zurück und platzieren Sie noch einmal: Die Fassung bleibt erhalten.</translation>
    </message>
    <message>
        <source>{0} was cut anew under the take since it was opened; nothing was placed.</source>
        <translation>{0} wurde unter der Fassung seit dem Öffnen neu geschnitten; nichts wurde platziert.</translation>
    </message>
    <message>
        <source>Read it again and look whether the music still fits: the take is kept.</source>
        <translation>Lesen Sie sie neu ein und prüfen Sie, ob die Musik noch passt: Die Fassung bleibt erhalten.</translation>
    </message>
    <message>
        <source>The take was made for other footage than lies there; nothing was placed.</source>
        <translation>Die Fassung wurde für anderes Material gemacht, als dort liegt; nichts wurde platziert.</translation>
    </message>
    <message>
        <source>Open the timeline that it was made for and place again: the take is kept.</source>
        <translation>Öffnen Sie die Timeline, für die sie gemacht wurde, und platzieren Sie sie noch einmal: Die Fassung bleibt erhalten.</translation>
    </message>
    <message>
        <source>It ended without a word.</source>
        <translation>Es endete ohne ein Wort.</translation>
    </message>
    <message>
        <source>Try again: it goes on where it stopped.</source>
        <translation>Noch einmal versuchen: Es geht dort weiter, wo es aufhörte.</translation>
    </message>
    <message>
        <source>Fits {0} best: {1}.</source>
        <translation>Entspricht {0} am besten: {1}.</translation>
    </message>
    <message>
        <source>Nearer to {0} than {1}: {2} ({3} against {4}).</source>
        <translation>Näher an {0} als {1}: {2} ({3} gegen {4}).</translation>
    </message>
    <message>
        <source>Farther from {0} than {1}: {2} ({3} against {4}).</source>
        <translation>Ferner von {0} als {1}: {2} ({3} gegen {4}).</translation>
    </message>
    <message>
        <source>Hardly better than the second: hear both.</source>
        <translation>Kaum besser als die zweite: beide anhören.</translation>
    </message>
    <message>
        <source>Hardly worse than the best: hear both.</source>
        <translation>Kaum schlechter als die beste: beide anhören.</translation>
    </message>
    <message>
        <source>the scene&apos;s feeling</source>
        <translation>dem Gefühl der Szene</translation>
    </message>
    <message>
        <source>the brief&apos;s words</source>
        <translation>den Worten der Beschreibung</translation>
    </message>
    <message>
        <source>the hit points</source>
        <translation>den Trefferpunkten</translation>
    </message>
    <message>
        <source>the loudness asked for</source>
        <translation>der gewünschten Lautheit</translation>
    </message>
    <message>
        <source>the second</source>
        <translation>die zweite</translation>
    </message>
    <message>
        <source>the best</source>
        <translation>die beste</translation>
    </message>
    <message>
        <source>{0} off in the plane of valence and arousal</source>
        <translation>{0} daneben in der Ebene von Valenz und Erregung</translation>
    </message>
    <message>
        <source>texts alike by {0}</source>
        <translation>Texte zu {0} gleich</translation>
    </message>
    <message>
        <source>{0} of {1} met within a frame</source>
        <translation>{0} von {1} auf ein Bild getroffen</translation>
    </message>
    <message>
        <source>{0} LU off</source>
        <translation>{0} LU daneben</translation>
    </message>
    <message>
        <source>Taken apart by rules, no model: expect an SI-SDR of about {0} dB. Good for balancing, not for hearing one alone.</source>
        <translation>Nach Regeln zerlegt, ohne Modell: ein SI-SDR von etwa {0} dB ist zu erwarten. Gut zum Abmischen, nicht um eine allein zu hören.</translation>
    </message>
    <message>
        <source>Drums and bass taken apart by {0}, melody and harmony by rules.</source>
        <translation>Schlagwerk und Bass zerlegt von {0}, Melodie und Harmonie nach Regeln.</translation>
    </message>
    <message>
        <source>Generated each on its own ({0}) in {1} s; the mix is their sum.</source>
        <translation>Einzeln erzeugt ({0}) in {1} s; die Mischung ist ihre Summe.</translation>
    </message>
</context>
<context>
    <name>SceneColumn</name>
    <message>
        <source>No timeline</source>
        <translation>Keine Timeline</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Score this scene</source>
        <translation>Diese Szene vertonen</translation>
    </message>
    <message>
        <source>Spot first</source>
        <translation>Erst sichten</translation>
    </message>
    <message>
        <source>Spot this range first, to read and edit its captions</source>
        <translation>Bereich zuerst sichten und Texte bearbeiten</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Waiting to begin</source>
        <translation>Wartet auf den Beginn</translation>
    </message>
    <message>
        <source>about {0} left</source>
        <translation>noch etwa {0}</translation>
    </message>
    <message>
        <source>Reading the timeline</source>
        <translation>Timeline wird gelesen</translation>
    </message>
    <message>
        <source>Watching and listening</source>
        <translation>Sehen und Hören</translation>
    </message>
    <message>
        <source>Writing the caption</source>
        <translation>Text wird geschrieben</translation>
    </message>
    <message>
        <source>Scoring</source>
        <translation>Vertonung</translation>
    </message>
    <message>
        <source>1 shot</source>
        <translation>1 Einstellung</translation>
    </message>
    <message>
        <source>{0} shots</source>
        <translation>{0} Einstellungen</translation>
    </message>
    <message>
        <source>dialogue at 1 place</source>
        <translation>Dialog an 1 Stelle</translation>
    </message>
    <message>
        <source>dialogue at {0} places</source>
        <translation>Dialog an {0} Stellen</translation>
    </message>
    <message>
        <source>words edited by you</source>
        <translation>Texte von Ihnen</translation>
    </message>
    <message>
        <source>words as written</source>
        <translation>Texte wie geschrieben</translation>
    </message>
    <message>
        <source>{0} × {1} s</source>
        <translation>{0} × {1} s</translation>
    </message>
    <message>
        <source>no estimate yet</source>
        <translation>noch keine Schätzung</translation>
    </message>
    <message>
        <source>about {0} on this machine</source>
        <translation>etwa {0} auf diesem Rechner</translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>What is installed</source>
        <translation>Was installiert ist</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>Takes at a time</source>
        <translation>Fassungen je Lauf</translation>
    </message>
    <message>
        <source>Music</source>
        <translation>Musik</translation>
    </message>
    <message>
        <source>Only what may be sold</source>
        <translation>Nur was verkauft werden darf</translation>
    </message>
    <message>
        <source>Engines, models and styles whose licence forbids commercial use, or is not known, are refused to every program on this machine.</source>
        <translation>Verfahren, Modelle und Hausstile, deren Lizenz kommerzielle Nutzung verbietet oder nicht bekannt ist, werden jedem Programm auf diesem Rechner verweigert.</translation>
    </message>
    <message>
        <source>Set up…</source>
        <translation>Einrichten …</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Logs: {0}</source>
        <translation>Protokolle: {0}</translation>
    </message>
    <message>
        <source>The daemon has not been reached yet.</source>
        <translation>Der Dienst wurde noch nicht erreicht.</translation>
    </message>
    <message>
        <source>Takes: {0}</source>
        <translation>Fassungen: {0}</translation>
    </message>
</context>
<context>
    <name>SetupDialog</name>
    <message>
        <source>Set up</source>
        <translation>Einrichten</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>SetupPage</name>
    <message>
        <source>What can be set up; all of it may be left out</source>
        <translation>Was sich einrichten lässt; nichts davon muss sein</translation>
    </message>
</context>
<context>
    <name>StemRow</name>
    <message>
        <source>Solo {stem}</source>
        <translation>Solo {stem}</translation>
    </message>
    <message>
        <source>Mute {stem}</source>
        <translation>{stem} stumm</translation>
    </message>
    <message>
        <source>Level of {stem}</source>
        <translation>Pegel von {stem}</translation>
    </message>
    <message>
        <source>{level:+d} dB</source>
        <translation>{level:+d} dB</translation>
    </message>
</context>
<context>
    <name>StepRow</name>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>at work</source>
        <translation>in Arbeit</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>gescheitert</translation>
    </message>
    <message>
        <source>not set up</source>
        <translation>nicht eingerichtet</translation>
    </message>
    <message>
        <source>Ready.</source>
        <translation>Bereit.</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Open it</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Progress of {job}</source>
        <translation>Fortschritt von {job}</translation>
    </message>
    <message>
        <source>Install</source>
        <translation>Installieren</translation>
    </message>
    <message>
        <source>Accept and fetch</source>
        <translation>Zustimmen und laden</translation>
    </message>
    <message>
        <source>The daemon</source>
        <translation>Der Dienst</translation>
    </message>
    <message>
        <source>Watches, listens and composes in the background.</source>
        <translation>Sieht, hört und komponiert im Hintergrund.</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>Starten</translation>
    </message>
    <message>
        <source>DaVinci Resolve</source>
        <translation>DaVinci Resolve</translation>
    </message>
    <message>
        <source>Puts MusiScene into Resolve&apos;s menu: Workspace &gt; Scripts.</source>
        <translation>Bringt MusiScene in Resolves Menü: Workspace &gt; Scripts.</translation>
    </message>
    <message>
        <source>A film to try</source>
        <translation>Ein Film zum Ausprobieren</translation>
    </message>
    <message>
        <source>Half a minute with dialogue and a temp track.</source>
        <translation>Eine halbe Minute mit Dialog und Temp-Musik.</translation>
    </message>
    <message>
        <source>Captions that listen</source>
        <translation>Texte, die zuhören</translation>
    </message>
    <message>
        <source>A model that puts the temp track into words. 32 GB, CC-BY-NC-4.0 and LLaMA-2&apos;s licence: not for commercial use.</source>
        <translation>Ein Modell, das die Temp-Musik in Worte fasst. 32 GB, CC-BY-NC-4.0 und die Lizenz von LLaMA-2: nicht für kommerzielle Nutzung.</translation>
    </message>
    <message>
        <source>MusicGen</source>
        <translation>MusicGen</translation>
    </message>
    <message>
        <source>A model that makes recorded music; best with a GPU. 2.4 GB, CC-BY-NC-4.0: not for commercial use.</source>
        <translation>Ein Modell, das klingende Musik macht; am besten mit Grafikkarte. 2,4 GB, CC-BY-NC-4.0: nicht für kommerzielle Nutzung.</translation>
    </message>
    <message>
        <source>Audiocraft</source>
        <translation>Audiocraft</translation>
    </message>
    <message>
        <source>Further models, in an environment of their own.</source>
        <translation>Weitere Modelle, in einer eigenen Umgebung.</translation>
    </message>
    <message>
        <source>Graphics card</source>
        <translation>Grafikkarte</translation>
    </message>
    <message>
        <source>What models need to work on an NVIDIA card.</source>
        <translation>Was Modelle brauchen, um auf einer NVIDIA-Karte zu rechnen.</translation>
    </message>
</context>
<context>
    <name>Strip</name>
    <message>
        <source>Timeline</source>
        <translation>Timeline</translation>
    </message>
    <message>
        <source>Shots, dialogue, hit points and music, with In, Out and playhead</source>
        <translation>Einstellungen, Dialog, Trefferpunkte und Musik, mit In, Out und Abspielmarke</translation>
    </message>
    <message>
        <source>Shots</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Dialogue</source>
        <translation>Dialog</translation>
    </message>
    <message>
        <source>Temp</source>
        <translation>Temp</translation>
    </message>
    <message>
        <source>Hits</source>
        <translation>Treffer</translation>
    </message>
    <message>
        <source>Music</source>
        <translation>Musik</translation>
    </message>
    <message>
        <source>asked</source>
        <translation>Soll</translation>
    </message>
    <message>
        <source>heard</source>
        <translation>Ist</translation>
    </message>
    <message>
        <source>Open a film or a timeline to begin: drop it here, or press Ctrl+O.</source>
        <translation>Zum Beginnen einen Film oder eine Timeline öffnen: hierher ziehen oder Strg+O drücken.</translation>
    </message>
</context>
<context>
    <name>StripPanel</name>
    <message>
        <source>Set In</source>
        <translation>In setzen</translation>
    </message>
    <message>
        <source>Set Out</source>
        <translation>Out setzen</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>Hineinzoomen</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>Herauszoomen</translation>
    </message>
    <message>
        <source>Zoom to In and Out</source>
        <translation>Auf In und Out zoomen</translation>
    </message>
    <message>
        <source>Zoom to all</source>
        <translation>Alles zeigen</translation>
    </message>
    <message>
        <source>Show how strong it feels</source>
        <translation>Stärke des Gefühls zeigen</translation>
    </message>
    <message>
        <source>Show how pleasant it feels</source>
        <translation>Zeigen, wie angenehm es wirkt</translation>
    </message>
    <message>
        <source>Feeling as it was spotted</source>
        <translation>Gefühl wie beim Sichten</translation>
    </message>
    <message>
        <source>Part of the timeline that is seen</source>
        <translation>Sichtbarer Teil der Timeline</translation>
    </message>
    <message>
        <source>Draw the feeling over the shots</source>
        <translation>Gefühl über den Bildern zeichnen</translation>
    </message>
    <message>
        <source>Add a hit point at the playhead</source>
        <translation>Trefferpunkt an der Abspielmarke setzen</translation>
    </message>
    <message>
        <source>See the whole timeline</source>
        <translation>Ganze Timeline zeigen</translation>
    </message>
</context>
<context>
    <name>TakeCard</name>
    <message>
        <source>Lead sheet</source>
        <translation>Leadsheet</translation>
    </message>
    <message>
        <source>Compare captions</source>
        <translation>Texte vergleichen</translation>
    </message>
    <message>
        <source>Use its captions and seed again</source>
        <translation>Texte und Startwert wieder nehmen</translation>
    </message>
    <message>
        <source>Take {letter}: {title}</source>
        <translation>Fassung {letter}: {title}</translation>
    </message>
    <message>
        <source>No longer a favourite</source>
        <translation>Kein Favorit mehr</translation>
    </message>
    <message>
        <source>Make a favourite</source>
        <translation>Zum Favoriten machen</translation>
    </message>
    <message>
        <source>Placed on the timeline</source>
        <translation>Auf der Timeline platziert</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Listen to this take</source>
        <translation>Diese Fassung anhören</translation>
    </message>
    <message>
        <source>Name of the take</source>
        <translation>Name der Fassung</translation>
    </message>
    <message>
        <source>Take it off the timeline again</source>
        <translation>Wieder von der Timeline nehmen</translation>
    </message>
    <message>
        <source>Place on timeline</source>
        <translation>Auf Timeline platzieren</translation>
    </message>
    <message>
        <source>Lay the stems on new music tracks</source>
        <translation>Stems auf neue Musikspuren legen</translation>
    </message>
    <message>
        <source>Other ways to place</source>
        <translation>Andere Arten zu platzieren</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>On new tracks</source>
        <translation>Auf neuen Spuren</translation>
    </message>
    <message>
        <source>Replace what I placed here before</source>
        <translation>Früher hier Platziertes ersetzen</translation>
    </message>
    <message>
        <source>Only where nothing was placed before</source>
        <translation>Nur wo noch nichts platziert wurde</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>Umbenennen</translation>
    </message>
    <message>
        <source>Copy seed</source>
        <translation>Startwert kopieren</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>Im Ordner zeigen</translation>
    </message>
    <message>
        <source>Lay aside</source>
        <translation>Beiseitelegen</translation>
    </message>
    <message>
        <source>Waveform of {stem}, take {letter}</source>
        <translation>Wellenform von {stem}, Fassung {letter}</translation>
    </message>
    <message>
        <source>Place</source>
        <comment>short</comment>
        <translation>Platzieren</translation>
    </message>
    <message>
        <source>Stems: {0}</source>
        <translation>Stems: {0}</translation>
    </message>
</context>
<context>
    <name>TakesColumn</name>
    <message>
        <source>Takes appear here. Score the scene, or open earlier ones from the history.</source>
        <translation>Hier erscheinen Fassungen. Szene vertonen oder frühere aus dem Verlauf öffnen.</translation>
    </message>
    <message>
        <source>Takes</source>
        <translation>Fassungen</translation>
    </message>
</context>
<context>
    <name>Transport</name>
    <message>
        <source>To the beginning</source>
        <translation>Zum Anfang</translation>
    </message>
    <message>
        <source>Play backwards</source>
        <translation>Rückwärts spielen</translation>
    </message>
    <message>
        <source>A frame back</source>
        <translation>Ein Bild zurück</translation>
    </message>
    <message>
        <source>A frame on</source>
        <translation>Ein Bild weiter</translation>
    </message>
    <message>
        <source>No music</source>
        <translation>Ohne Musik</translation>
    </message>
    <message>
        <source>Loop range</source>
        <translation>Bereich wiederholen</translation>
    </message>
    <message>
        <source>Equal loudness</source>
        <translation>Gleiche Lautheit</translation>
    </message>
    <message>
        <source>Hear every take as loud as the softest of them</source>
        <translation>Jede Fassung so laut wie die leiseste hören</translation>
    </message>
    <message>
        <source>With dialogue</source>
        <translation>Mit Dialog</translation>
    </message>
    <message>
        <source>With temp track</source>
        <translation>Mit Temp-Musik</translation>
    </message>
    <message>
        <source>Timecode at the playhead</source>
        <translation>Timecode an der Abspielmarke</translation>
    </message>
    <message>
        <source>Listen to take {letter}</source>
        <translation>Fassung {letter} anhören</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>Abspielen</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>Welcome: open a film or timeline, mark In and Out, have the scene scored.</source>
        <translation>Willkommen: Film oder Timeline öffnen, In und Out setzen, die Szene vertonen lassen.</translation>
    </message>
    <message>
        <source>Open a film</source>
        <translation>Film öffnen</translation>
    </message>
    <message>
        <source>Connect to Resolve</source>
        <translation>Mit Resolve verbinden</translation>
    </message>
    <message>
        <source>Set up…</source>
        <translation>Einrichten …</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>WishGrid</name>
    <message>
        <source>Engine</source>
        <translation>Erzeuger</translation>
    </message>
    <message>
        <source>Steered by</source>
        <translation>Gelenkt von</translation>
    </message>
    <message>
        <source>Captions by</source>
        <translation>Texte von</translation>
    </message>
    <message>
        <source>House style</source>
        <translation>Hausstil</translation>
    </message>
    <message>
        <source>Style</source>
        <translation>Stil</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>Länge</translation>
    </message>
    <message>
        <source>Takes</source>
        <translation>Fassungen</translation>
    </message>
    <message>
        <source>Stems</source>
        <translation>Stems</translation>
    </message>
    <message>
        <source>Loudness</source>
        <translation>Lautheit</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>automatisch</translation>
    </message>
    <message>
        <source>From In to Out; another length moves Out</source>
        <translation>Von In bis Out; eine andere Länge verschiebt Out</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <source>Seed of the first take</source>
        <translation>Startwert des ersten Takes</translation>
    </message>
    <message>
        <source>The same seed and words make the same music again</source>
        <translation>Gleicher Startwert und gleiche Texte ergeben wieder die gleiche Musik</translation>
    </message>
    <message>
        <source>Weight of the house style</source>
        <translation>Gewicht des Hausstils</translation>
    </message>
    <message>
        <source>picture and temp track</source>
        <translation>Bild und Temp-Musik</translation>
    </message>
    <message>
        <source>the picture</source>
        <translation>dem Bild</translation>
    </message>
    <message>
        <source>the imagined scene</source>
        <translation>der vorgestellten Szene</translation>
    </message>
    <message>
        <source>the temp track</source>
        <translation>der Temp-Musik</translation>
    </message>
    <message>
        <source>musical directions</source>
        <translation>musikalischen Angaben</translation>
    </message>
    <message>
        <source>by role</source>
        <translation>nach Rolle</translation>
    </message>
    <message>
        <source>by instrument</source>
        <translation>nach Instrument</translation>
    </message>
    <message>
        <source>Not for commercial use, which this machine&apos;s music is for</source>
        <translation>Nicht für kommerzielle Nutzung, für die auf diesem Rechner Musik gemacht wird</translation>
    </message>
    <message>
        <source>Works from a music file</source>
        <translation>Arbeitet mit einer Musikdatei</translation>
    </message>
    <message>
        <source>measures alone</source>
        <translation>Messwerten allein</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keiner</translation>
    </message>
    <message>
        <source>as the scene asks</source>
        <translation>wie die Szene es verlangt</translation>
    </message>
    <message>
        <source>too short for this range: {0} s at most</source>
        <translation>zu kurz für diesen Bereich: höchstens {0} s</translation>
    </message>
    <message>
        <source>meets hits</source>
        <translation>trifft Punkte</translation>
    </message>
    <message>
        <source>no hits</source>
        <translation>keine Treffer</translation>
    </message>
    <message>
        <source>{0} stems</source>
        <translation>{0} Stems</translation>
    </message>
    <message>
        <source>a mix alone</source>
        <translation>nur eine Mischung</translation>
    </message>
    <message>
        <source>, no commercial use</source>
        <translation>, nicht kommerziell</translation>
    </message>
    <message>
        <source>each generated</source>
        <translation>einzeln erzeugt</translation>
    </message>
</context>
</TS>
