"""What a thing is a kind of, by WordNet's nouns: a lorikeet is a parrot and a bird."""
import os

# Folders of pictures and WordNet's lexicographer files: animals, artifacts, food, plants. People's kinds (a fireman is a
# worker) say nothing to the eye.
FILES = {"animals": "05", "food": "13", "plants": "20", "vehicles": "06", "transportation": "06", "clothes": "06",
         "household": "06", "hobbies": "06", "sports": "06", "town": "06", "things": "06", "military": "06"}
TOO_WIDE = set("""entity object whole unit artifact artefact instrumentality instrumentation organism being thing matter
substance agent chordate vertebrate invertebrate arthropod placental eutherian ungulate carnivore device conveyance transport
implement covering structure construction creature individual somebody someone soul mortal beast brute fauna flora commodity
article product creation nutriment nourishment aliment foodstuff solid natural craniate tracheophyte mammalian produce motorcar machine formation equipment mechanism system facility
line part piece way surface plane area location region group cause causal adult worker unfortunate simpleton rival contestant
traveler relative kin entertainer performer craft consumer goods belongings possession good leader""".split())


class Kinds:
    def __init__(self, wordnet):
        self.senses, self.offsets = {}, {}
        with open(os.path.join(wordnet, "index.noun"), encoding="utf8") as file:
            for line in file:
                if not line.startswith("  "):
                    fields = line.split()
                    self.senses[fields[0]] = fields[-int(fields[2]):]
        with open(os.path.join(wordnet, "data.noun"), encoding="utf8") as file:
            for line in file:
                if line.startswith("  "):
                    continue
                fields = line.split(" | ")[0].split()
                count = int(fields[3], 16)
                pointers = fields[5 + 2 * count:]
                above = [pointers[i + 1] for i in range(0, 4 * int(fields[4 + 2 * count]), 4) if pointers[i] in ("@", "@i")]
                self.offsets[fields[0]] = fields[1], [fields[4 + 2 * i].lower() for i in range(count)], above

    def sense(self, noun, file):
        """The first sense of a noun, singular or plural, that is of this kind."""
        for form in (noun, noun[:-1] if noun.endswith("s") else noun, noun[:-2] if noun.endswith("es") else noun):
            for offset in self.senses.get(form, ()):
                if self.offsets[offset][0] == file:
                    return offset
        return None

    def of(self, name, folder):
        """What the last noun of a name, of one word or two, is a kind of, nearest first; one word each."""
        words, file, found = name.split(), FILES.get(folder.lower()), []
        if not file or not words:
            return found
        offset = (len(words) > 1 and self.sense("_".join(words[-2:]), file)) or self.sense(words[-1], file)
        while offset:
            up = self.offsets[offset][2]
            offset = up[0] if up else None
            if offset and self.offsets[offset][0] == file:
                found += [n for n in self.offsets[offset][1] if n.isalpha() and n not in TOO_WIDE][:1]
        return found
