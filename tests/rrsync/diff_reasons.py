# SPDX-License-Identifier: LGPL-2.1-or-later
"""What our rrsync refuses although the stock script accepts it, and why.

Each is a name, a test of (options, command, our message), and stands for lines that
no rsync client sends, or that rsync itself would refuse a moment later.
"""

import contextlib
import glob
import os
import re

# Refusals that have nothing of the command line to name.
NAMELESS = (b'does not run rsync', b'--server option is not the first', b'read-only server',
	b'write-only server', b'no . behind the options')


def unescape(message):
	"""A message with the bytes that it shows as \\xHH."""
	return re.sub(rb'\\x([0-9a-f]{2})', lambda m: bytes([int(m[1], 16)]), message)


def leads_to_dir(line, message):
	"""Is the path that a message names, or a match of it, DIR by way of links or dots?"""
	path = unescape(message).split(b': ', 1)[1].removesuffix(b' (not below the restricted directory)')
	with contextlib.chdir(line.options[-1]):
		return any(os.path.realpath(one) == os.getcwdb() for one in [path, *glob.glob(path)])


REASONS = (
	('a value for an option that takes none, which rsync refuses too',
		lambda line, message: re.search(rb'syntax or options: --[\w-]+=', message)),
	('letters or digits beyond ASCII in a short option, which no client sends',
		lambda line, message: re.search(rb'syntax or options: -[^-].*\\x[89a-f]', message)),
	('a wildcard with [^ or [[, or beside bytes that are not UTF-8: read in different ways',
		lambda line, message: message.startswith(b'a wildcard that not all read')
			and re.search(rb'\[[\[^]|[\x80-\xff]', unescape(message))),
	('a slash behind what is no directory, which rsync cannot open either',
		lambda line, message: re.match(rb'Not a directory: .*/\.?$', message)),
	('a list or a log that is no regular file: with a FIFO rsync would wait for ever',
		lambda line, message: message.startswith(b'not a regular file: ')
			and re.search(rb'--(files-from|log-file)[= ]', line.command)),
	('-absolute and more slashes behind DIR than the script always understands',
		lambda line, message: b'slashes' in message and b'-absolute' in line.options
			and b'///' in re.sub(rb'\\(.)', rb'\1', line.command)),
	('-absolute, and a way round to DIR itself',
		lambda line, message: b'-absolute' in line.options
			and message.startswith(b'unsafe arg') and leads_to_dir(line, message)),
)


def reason_for(line, message):
	"""The reason's name, or None."""
	for name, matches in REASONS:
		if matches(line, message):
			return name
	return None
