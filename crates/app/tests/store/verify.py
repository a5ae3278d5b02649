#!/usr/bin/env python3
"""A second verifier of Bartizan's evidence log, written from the formats and not from the Rust code.

usage: verify.py STORE [VERIFIER_KEY] [HEAD_FILE]

Standard library, and `cryptography` for Ed25519. Prints a line for each problem; exit code 0 if there is none. It does not
look inside packs (the standard library of Python 3.11 has no zstd): their bytes are vouched for by the log.

Formats: C2SP signed-note, tlog-checkpoint, tlog-tiles; RFC 6962 for the tree.
"""
import base64
import hashlib
import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

problems = []


def problem(file, text):
    problems.append(f"{file}: {text}")


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(data):
    return sha256(b"\x00" + data)


def root_of(hashes):
    """RFC 6962, section 2.1."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + root_of(hashes[:k]) + root_of(hashes[k:]))


def strict_base64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 is not canonical")
    return data


class Key:
    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        data = strict_base64(key)
        if data[0] != 1 or len(data) != 33:
            raise ValueError("not an Ed25519 key")
        want = sha256(self.name.encode() + b"\n" + data)[:4]
        if want.hex() != key_id:
            raise ValueError("the key id is not that of the key")
        self.id, self.key = want, Ed25519PublicKey.from_public_bytes(data[1:])

    def open(self, note):
        """Size and root of a signed tree head."""
        text, _, signatures = note.decode().rpartition("\n\n")
        text += "\n"
        for line in signatures.removesuffix("\n").split("\n"):
            dash, name, signature = line.split(" ")
            data = strict_base64(signature)
            if dash == "\u2014" and name == self.name and data[:4] == self.id:
                self.key.verify(data[4:], text.encode())
                break
        else:
            raise ValueError("no signature by the key of this log")
        origin, size, root = text.split("\n")[:3]
        if origin != self.name or not note.endswith(b"\n") or str(int(size)) != size:
            raise ValueError("not a tree head of this log")
        return int(size), strict_base64(root)


def tile_path(level, index, width):
    name = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        name = f"x{index % 1000:03}/{name}"
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def main():
    store = sys.argv[1]

    def read(name):
        try:
            with open(os.path.join(store, name), "rb") as f:
                return f.read()
        except OSError as error:
            problem(name, error.strerror)
            return None

    names = [n for n in os.listdir(store) if not n.startswith(".")] if os.path.isdir(store) else []
    if names in ([], ["log.pub"]):
        return  # a first run that was cut short before it signed anything
    own = read("log.pub")
    try:
        public = own.decode()
        if not public.endswith("\n") or public.count("\n") != 1 or (len(sys.argv) > 2 and sys.argv[2] and sys.argv[2] != public.strip()):
            raise ValueError("not the key of this log")
        key = Key(public.strip())
    except (AttributeError, ValueError, IndexError) as error:
        return problem("log.pub", error)
    head = read("checkpoint")
    try:
        size, root = key.open(head)
    except (AttributeError, ValueError, InvalidSignature, IndexError) as error:
        return problem("checkpoint", f"not signed by this log: {error!r}")
    entries = []
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        data, found, at = read(tile_path("entries", index, width)) or b"", 0, 0
        while at + 2 <= len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            entries.append(data[at + 2:at + 2 + length])
            at, found = at + 2 + length, found + 1
        if found != width or at != len(data):
            problem(tile_path("entries", index, width), "not the entries that it should hold")
    leaves = [leaf(entry) for entry in entries]
    if len(entries) != size or root_of(leaves) != root:
        return problem("tile/entries", "the entries do not lead to the signed root")
    try:
        parsed = [json.loads(entry) for entry in entries]
    except ValueError as error:
        return problem("tile/entries", error)
    published = sorted({entry["log_size"] for entry in parsed} | {0, size})
    for old, new in zip(published, published[1:]):
        check_head(key, read, old, leaves)
        check_tiles(read, old, new, leaves, entries)
    heads = os.path.join(store, "checkpoints")
    for name in sorted(os.listdir(heads)) if os.path.isdir(heads) else []:
        if name.startswith(".") or (name.isdigit() and int(name) in published[:-1]):
            continue
        # A run that was cut short leaves a copy of the latest head, and nothing else.
        if name != f"{size:010}" or read("checkpoints/" + name) != head:
            problem("checkpoints/" + name, "no head that this log published before: rolled back?")
    pending = os.path.join(store, "pending")
    for name in sorted(os.listdir(pending)) if os.path.isdir(pending) else []:
        check_pending(key, read, name, entries)
    if len(sys.argv) > 3:
        with open(sys.argv[3], "rb") as f:
            old_size, old_root = key.open(f.read())
        if old_size > size or root_of(leaves[:old_size]) != old_root:
            problem("checkpoint", "the log does not continue the head that was given")
    for entry in parsed:
        if entry["kind"] == "snapshot":
            check_snapshot(read, entry)


def check_pending(key, read, name, entries):
    """What a commit wrote down before it was made: the entries that the log then got, or will get."""
    data = read("pending/" + name)
    try:
        said = json.loads(data)
        new, root = key.open(said["head"].encode())
        texts = [text.encode() for text in said["entries"]]
        old = new - len(texts)
        plain = json.dumps({"head": said["head"], "entries": said["entries"]}, separators=(",", ":"), ensure_ascii=False)
        logged = entries[old:new] if old < len(entries) else texts
        if name != f"{old:010}" or logged != texts or root_of([leaf(e) for e in entries[:old] + texts]) != root or plain.encode() != data:
            problem("pending/" + name, "not a commit to this log")
    except (TypeError, ValueError, KeyError, InvalidSignature, IndexError) as error:
        problem("pending/" + name, f"not a commit to this log: {error!r}")


def check_head(key, read, size, leaves):
    name = f"checkpoints/{size:010}"
    note = read(name)
    if note is None:
        return
    try:
        if key.open(note) != (size, root_of(leaves[:size])):
            problem(name, "a tree head of another history")
    except (ValueError, InvalidSignature, IndexError) as error:
        problem(name, f"not signed by this log: {error!r}")


def check_tiles(read, old, new, leaves, entries):
    """Every tile that a commit from size `old` to size `new` published."""
    level, hashes = 0, leaves
    while new >> (8 * level):
        old_n, new_n = old >> (8 * level), new >> (8 * level)
        for index in range(old_n >> 8, (new_n + 255) >> 8) if old_n != new_n else []:
            width = min(256, new_n - 256 * index)
            if read(tile_path(level, index, width)) != b"".join(hashes[256 * index:256 * index + width]):
                problem(tile_path(level, index, width), "not the hashes that it should hold")
            if level == 0:
                want = b"".join(len(e).to_bytes(2, "big") + e for e in entries[256 * index:256 * index + width])
                if read(tile_path("entries", index, width)) != want:
                    problem(tile_path("entries", index, width), "not the entries that it should hold")
        hashes = [root_of(hashes[i:i + 256]) for i in range(0, len(hashes) - len(hashes) % 256, 256)]
        level += 1


def check_snapshot(read, entry):
    for file in entry["packs"] + [entry["facts"]]:
        data = read(file["name"])
        if data is not None and (len(data) != file["bytes"] or sha256(data).hex() != file["sha256"]):
            problem(file["name"], "not the file that was signed")
    facts = read(entry["facts"]["name"])
    if facts is not None:
        lines = [line for line in facts.split(b"\n")[:-1] if not line.startswith(b"# ")]
        if len(lines) != entry["count"] or root_of([leaf(line) for line in lines]).hex() != entry["root"]:
            problem(entry["facts"]["name"], "its lines do not have the root that was signed")


main()
for line in dict.fromkeys(problems):
    print(line)
sys.exit(1 if problems else 0)
