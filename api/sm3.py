"""SM3 (GB/T 32905) and its HMAC, by the system's library where it has it, else in plain Python 「国密杂凑」.

In: bytes; out: hex. The plain form is slow and only there for libraries built without it. This is no certified module.
"""

from __future__ import annotations

import hashlib

_START = (
    *(0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600),
    *(0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E),
)
_MASK = 0xFFFFFFFF
_BLOCK = 64


def sm3_hex(data: bytes) -> str:
    """SM3 digest."""
    try:
        return hashlib.new("sm3", data).hexdigest()
    except ValueError:
        return plain_sm3(data)


def hmac_sm3(key: bytes, message: bytes) -> str:
    """HMAC with SM3, RFC 2104."""
    if len(key) > _BLOCK:
        key = bytes.fromhex(sm3_hex(key))
    key = key.ljust(_BLOCK, b"\0")
    inner = sm3_hex(bytes(byte ^ 0x36 for byte in key) + message)
    return sm3_hex(bytes(byte ^ 0x5C for byte in key) + bytes.fromhex(inner))


def plain_sm3(data: bytes) -> str:
    """SM3 as the standard writes it."""
    state = list(_START)
    padded = data + b"\x80" + b"\0" * ((55 - len(data)) % _BLOCK) + (8 * len(data)).to_bytes(8, "big")
    for start in range(0, len(padded), _BLOCK):
        _compress(state, padded[start : start + _BLOCK])
    return b"".join(word.to_bytes(4, "big") for word in state).hex()


def _turn(word: int, bits: int) -> int:
    bits &= 31
    return ((word << bits) | (word >> (32 - bits))) & _MASK


def _p1(word: int) -> int:
    return word ^ _turn(word, 15) ^ _turn(word, 23)


def _compress(state: list[int], block: bytes) -> None:
    words = [int.from_bytes(block[place : place + 4], "big") for place in range(0, _BLOCK, 4)]
    for j in range(16, 68):
        mixed = _p1(words[j - 16] ^ words[j - 9] ^ _turn(words[j - 3], 15))
        words.append(mixed ^ _turn(words[j - 13], 7) ^ words[j - 6])
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        constant = 0x79CC4519 if j < 16 else 0x7A879D8A
        first = _turn((_turn(a, 12) + e + _turn(constant, j)) & _MASK, 7)
        second = first ^ _turn(a, 12)
        ff = a ^ b ^ c if j < 16 else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if j < 16 else (e & f) | (~e & g)
        one = (ff + d + second + (words[j] ^ words[j + 4])) & _MASK
        two = (gg + h + first + words[j]) & _MASK
        d, c, b, a = c, _turn(b, 9), a, one
        h, g, f, e = g, _turn(f, 19), e, two ^ _turn(two, 9) ^ _turn(two, 17)
    for place, word in enumerate((a, b, c, d, e, f, g, h)):
        state[place] ^= word
