"""Decides how another channel (e-mail, chat …) stands beside the voice queues: as a queue of which three figures are known. Pure."""

from __future__ import annotations

from appliance.floor.snapshot import Channel, Queue, Window
from wallboard.words import Words


def title_of(key: str, channel: Channel, words: Words) -> str:
    """What a channel is called: as the CRM says, else a word of ours, else its key.

    >>> from wallboard.words import words_of
    >>> title_of("email", Channel(), words_of("pt")), title_of("kiosko", Channel(), words_of("es"))
    ('E-mail', 'kiosko')
    """
    return channel.title or words.texts.get(f"channel.{key}", key)


def queue_of(key: str, channel: Channel, words: Words) -> Queue:
    """The channel as a queue, in every window what the CRM told last. What no CRM tells of a channel is 0 here and is not to be read."""
    told = Window(service_level=channel.service_level, service_level_of=channel.service_level_of, target=channel.target)
    return Queue(
        title=title_of(key, channel, words), fresh=channel.fresh, as_of=channel.as_of, waiting=channel.waiting,
        longest_wait=channel.longest_wait, longest_since=channel.longest_since, today=told, interval=told, rolling=told,
    )  # fmt: skip
