"""Decides how a serial sign's board is told to a terminal: what takes the sign over, then what goes round, a phrase a line. Pure."""

from __future__ import annotations

from wallboard.board import Board
from wallboard.sign.page import sayings_from


def sign_text(board: Board) -> str:
    """What a sign says of a board, a phrase a line, for a terminal; `»` is what takes the whole sign."""
    said = sayings_from(board)
    lines = [f"» {phrase.text}" for phrase in said.priority]
    return "\n".join([*lines, *(phrase.text if not phrase.title else f"[{phrase.text}]" for phrase in said.rotation)])
