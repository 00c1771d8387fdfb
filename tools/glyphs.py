#!/usr/bin/env python3
"""Draws the letters of this machine's fonts as pictures: data of one's own to try the pipeline on.

    python3 tools/glyphs.py FOLDER [FONTS]

FOLDER/script/letter/font.png (some .jpg), of many sizes, some light on dark: a script is what an
alphabet is to Omniglot, and a font what a drawer is. FONTS is where fonts are looked for,
/usr/share/fonts unless named. Needs pillow and fonttools, and fonts of many scripts, as Debian's
packages fonts-noto-core, fonts-freefont-ttf, fonts-dejavu-extra and fonts-liberation2 have. The
same fonts make the same pictures. Letters that look alike in two scripts are in both.
"""

import hashlib
import pathlib
import sys

from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

SCRIPTS = {
    "Arabic": (0x0621, 0x064A),
    "Armenian": (0x0561, 0x0586),
    "Bengali": (0x0985, 0x09B9),
    "Cherokee": (0x13A0, 0x13F4),
    "Coptic": (0x2C80, 0x2CB1),
    "Cyrillic": (0x0410, 0x044F),
    "Devanagari": (0x0904, 0x0939),
    "Ethiopic": (0x1200, 0x1248),
    "Georgian": (0x10D0, 0x10F6),
    "Glagolitic": (0x2C30, 0x2C5E),
    "Gothic": (0x10330, 0x1034A),
    "Greek": (0x0391, 0x03C9),
    "Gujarati": (0x0A85, 0x0AB9),
    "Hebrew": (0x05D0, 0x05EA),
    "Kannada": (0x0C85, 0x0CB9),
    "Khmer": (0x1780, 0x17A2),
    "Lao": (0x0E81, 0x0EAE),
    "Latin": (0x0041, 0x007A),
    "Malayalam": (0x0D05, 0x0D39),
    "Myanmar": (0x1000, 0x1021),
    "Ogham": (0x1681, 0x169A),
    "Runic": (0x16A0, 0x16EA),
    "Sinhala": (0x0D85, 0x0DC6),
    "Tamil": (0x0B85, 0x0BB9),
    "Telugu": (0x0C05, 0x0C39),
    "Thai": (0x0E01, 0x0E2E),
    "Tifinagh": (0x2D30, 0x2D67),
}
MOST_FONTS = 20  # of a letter
LEAST_FONTS = 4


def picture(font_file, letter):
    """One letter, at a size and in shades that hang on its font and itself."""
    draw = hashlib.sha256(f"{font_file.name} {letter}".encode()).digest()
    size = 40 + draw[0] % 120
    font = ImageFont.truetype(str(font_file), size)
    left, top, right, bottom = font.getbbox(letter)
    if right - left < 4 or bottom - top < 4:
        return None
    margin = 4 + draw[1] % 24
    ink, ground = (draw[2] % 70, 255 - draw[3] % 50)
    if draw[4] % 4 == 0:
        ink, ground = ground, ink
    image = Image.new("L", (right - left + 2 * margin, bottom - top + 2 * margin), ground)
    ImageDraw.Draw(image).text((margin - left, margin - top), letter, font=font, fill=ink)
    return image, ".jpg" if draw[5] % 3 == 0 else ".png"


def families_in_turn(files):
    """One font of each family, then the second of each, and so on: a family's fonts are alike."""
    seen = {}
    rank = {}
    for f in sorted(files, key=lambda f: f.name):
        family = f.stem.split("-")[0]
        rank[f] = seen[family] = seen.get(family, -1) + 1
    return sorted(files, key=lambda f: (rank[f], f.name))


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else "/usr/share/fonts")
    files = families_in_turn({f.name: f for f in root.rglob("*.[to]tf")}.values())
    fonts = [(f, set(TTFont(f, lazy=True).getBestCmap() or ())) for f in files]
    pictures = 0
    for script, (first, last) in SCRIPTS.items():
        letters = [point for point in range(first, last + 1) if chr(point).isalpha()]
        able = [(f, has) for f, has in fonts if sum(p in has for p in letters) > 0.8 * len(letters)]
        for point in letters:
            drawn = {}
            for font_file, has in able:
                if point in has and len(drawn) < MOST_FONTS:
                    image = picture(font_file, chr(point))
                    if image:
                        drawn[font_file.stem] = image
            if len(drawn) < LEAST_FONTS:
                continue
            folder = out / script / f"U+{point:04X}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, (image, ending) in drawn.items():
                image.save(folder / (name + ending))
            pictures += len(drawn)
        print(f"{script}: {len(able)} fonts", file=sys.stderr)
    print(f"{pictures} pictures in {out}")


if __name__ == "__main__":
    main()
