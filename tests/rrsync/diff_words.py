# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the stock script says when it refuses, and what ours must say then.

A kind is a name and a pattern for the stock script's message.  Ours must contain what
the pattern's groups matched, or all that it matched if it has none.
"""

import re

from diff_reasons import unescape

KINDS = (
	('a disabled option', rb'(option .* has been disabled on this server\.)'),
	('syntax', rb'invalid rsync-command syntax or options'),
	('not rsync', rb'SSH_ORIGINAL_COMMAND does not run rsync'),
	('not --server', rb'--server option is not the first arg'),
	('read-only', rb'sending to read-only server is not allowed'),
	('write-only', rb'reading from write-only server is not allowed'),
	('a list on a write-only server', rb'a write-only server cannot read a remote --files-from path'),
	('..', rb'do not use \.\. in \S+ \(anchor the path at the root of your restricted dir\)'),
	('a path that leads out', rb'(unsafe arg: )'),
	('a directory that must exist', rb'receiver option path does not exist: '),
	# The script guesses at a race; the kernel's reason is what counts.
	('what cannot be opened', rb'race detected\): .* ([A-Z][a-z]+(?: [a-z/]+)+)\n'),
)

# A line of each kind, so that none is left to chance.
FIRST = (
	(b'-ro', b'--sender -r --debug=all . .'), (b'-ro', b'--sender -logDtpLre.iLsfxCIvu . .'),
	(b'-ro', b'--sender --nonsense . .'), (b'-ro', b'-r . .'), (b'-wo', b'--sender -r . .'),
	(b'-wo', b'-r --files-from=list . .'), (b'-ro', b'--sender -r . ../x'), (b'-wo', b'-r --link-dest=/../x . .'),
	(b'-ro', b'--sender -r . abs'), (b'-wo', b'-r --temp-dir=/nowhere . .'), (b'-ro', b'--sender -r . nowhere'),
	(b'-ro', b'--sender -r . sock/'), (b'-ro', None), (b'-ro', b'--daemon --server . .'),
)


def first_lines(top):
	"""These lines, as (options, command), for the directory top."""
	for option, rest in FIRST:
		words = [b'cat /etc/passwd'] if rest is None else [b'rsync', b'--server', rest]
		if rest and rest.startswith(b'--daemon'):
			words.remove(b'--server')
		yield [option, top], b' '.join(words)


def differs(theirs, mine):
	"""(kind, what ours lacks or None); (None, None) if the script's message has no kind."""
	for name, pattern in KINDS:
		match = re.search(pattern, theirs, re.S)
		if match:
			wanted = match.groups() or (match[0],)
			said = unescape(mine)
			return name, next((want for want in wanted if want not in said), None)
	return None, None
