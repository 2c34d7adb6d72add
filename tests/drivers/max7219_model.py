"""A MAX7219 cascade as its data sheet describes it: shift registers, latches, registers; and the picture that an eye sees on it.

Written from the data sheet and from how modules are wired, not from the driver: it knows nothing of luma nor of our code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

NO_OP, DECODE, INTENSITY, SCAN_LIMIT, SHUTDOWN, TEST = 0x00, 0x09, 0x0A, 0x0B, 0x0C, 0x0F


@dataclass
class Chip:
    """One chip: digit registers 1 to 8 and its five others; dark and asleep at power-up (data sheet, "Initial Power-Up")."""

    digits: list[int] = field(default_factory=lambda: [0] * 8)
    intensity: int = 0
    scan_limit: int = 0
    decode: int = 0
    awake: bool = False
    test: bool = False

    def latch(self, word: int) -> None:
        """LOAD rises: the 16 bits in the shift register take effect; D15 to D12 are of no matter."""
        register, value = word >> 8 & 0x0F, word & 0xFF
        if 1 <= register <= 8:
            self.digits[register - 1] = value
        elif register == DECODE:
            self.decode = value
        elif register == INTENSITY:
            self.intensity = value & 0x0F
        elif register == SCAN_LIMIT:
            self.scan_limit = value & 0x07
        elif register == SHUTDOWN:
            self.awake = bool(value & 1)
        elif register == TEST:
            self.test = bool(value & 1)

    def lit(self, digit: int, segment: int) -> bool:
        """Whether the LED at a digit line (0 to 7) and a segment bit (0 to 7) shines."""
        if self.test:
            return True
        return self.awake and digit <= self.scan_limit and bool(self.digits[digit] >> segment & 1)


#: How a module hangs: (digit line, segment bit) → (column, row) of its 8 × 8 dots, seen from the front.
TURNS = {
    0: lambda digit, bit: (digit, bit),  # digits are columns from the left, bit 0 on top
    90: lambda digit, bit: (7 - bit, digit),  # digits are rows from the top, bit 7 at the left: FC-16 with its input on the right
    -90: lambda digit, bit: (bit, 7 - digit),  # the same upside down: FC-16 with its input on the left
    180: lambda digit, bit: (7 - digit, 7 - bit),
}


class Cascade:
    """Chips in a row behind one chip select, the first one nearest to the box."""

    def __init__(self, chips: int) -> None:
        self.chips = [Chip() for _ in range(chips)]
        self._shift = bytes(2 * chips)
        self.blanked = 0

    def transfer(self, sent: bytes) -> None:
        """One chip select low to high: every bit pushes the others one chip further; then all latch at once."""
        self._shift = (self._shift + sent)[-len(self._shift) :]
        for at, chip in enumerate(self.chips):
            # What was sent last is still in the first chip.
            end = len(self._shift) - 2 * at
            chip.latch(int.from_bytes(self._shift[end - 2 : end]))
        self.blanked += not all(chip.awake for chip in self.chips)

    def feed(self, transfers: Iterable[bytes]) -> None:
        for sent in transfers:
            self.transfer(sent)

    def picture(self, width: int, height: int, turn: int = 0, reverse: bool = False, zigzag: bool = False) -> list[str]:
        """What is seen, as rows of 0 and 1: modules run left to right and row by row; `reverse`: right to left;
        `zigzag`: every second row runs back, its modules upside down."""
        seen = [["0"] * width for _ in range(height)]
        across = width // 8
        for at, chip in enumerate(self.chips):
            row, column = divmod(at, across)
            back = zigzag and row % 2 == 1
            if reverse != back:
                column = across - 1 - column
            place = TURNS[turn]
            for digit in range(8):
                for bit in range(8):
                    x, y = place(digit, bit)
                    if back:
                        x, y = 7 - x, 7 - y
                    if chip.lit(digit, bit):
                        seen[8 * row + y][8 * column + x] = "1"
        return ["".join(row) for row in seen]
