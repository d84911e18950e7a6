# SPDX-License-Identifier: LGPL-2.1-or-later
"""Server options and command lines, most of them such as an rsync client sends them.

The names of the options come from the stock script's own table, when it runs.
"""

import re
from collections import namedtuple

Line = namedtuple('Line', 'options command')	# DIR is the last of options

CLUSTERS = (b'-logDtpre.iLsfxCIvu', b'-vlogDtpre.iLsfxCIvu', b'-vlogDtprRe.iLsfxCIvu',
	b'-logDtpAXrcze.iLsfxCIvu', b'-nlogDtprxe.LsfxCIvu', b'-vvtre31.14', b'-e.iLsfxCIvu',
	b'-vlHogDtpRSre.iLsfxCIvu', b'-re.iLsfxCIvu', b'-dte.LsfxCIvu', b'-logDtpr')
LETTERS = b'ACDEHIJNORSUWXbcdgllmnopqrrtuvxyz'
ANY_LETTER = b'ABCDEHIJKLNORSUWXbcdefgkLlmnopqrstuvxyz@0.ZhTMP'
VALUES = (b'1', b'0', b'60', b'10M', b'1.5K', b'-1', b'md5', b'zstd', b'lz4:9', b'~', b'.bak',
	b'%i', b'%i %n%L', b'%o %f/x', b'/abs', b'./rel', b'.', b'', b'a//b', b'///x', b'=x',
	b'gz/jpg/mp[34]', b'*:nobody', b'0-99:nobody,*:root', b'UTF-8', b'stats2,copy', b'all',
	b'a\\b', b'auto', b'errors', b'--daemon', b'-e', b'x\xffy')
BAD_OPTIONS = (b'--daemon', b'--config=/etc/rsyncd.conf', b'--rsh=sh', b'--rsync-path=x',
	b'--password-file=f', b'--write-batch=f', b'--read-batch=f', b'--include-from=f',
	b'--exclude-from=f', b'--exclude=*', b'--filter=merge_/etc/shadow', b'--copy-devices',
	b'--write-devices', b'--no-munge-links', b'--protect-args', b'--secluded-args',
	b'--debug=all', b'--copy-unsafe-links', b'--copy-links', b'--relative', b'--delet',
	b'--log-fil=f', b'--remote-option=--daemon', b'-M--daemon', b'-s', b'-L', b'-K', b'-k',
	b'-esh', b'-e', b'--', b'-', b'---', b'--=x', b'--sender', b'--server', b'--drop-D',
	b'--confine-root=/', b'--no-D', b'--acls', b'--old-args', b'-zs', b'-B1', b'-@2', b'-@',
	b'-B', b'x', b'-T', b'--temp-dir', b'--early-input=f', b'--trust-sender', b'--dparam=x')
ODD_PATHS = (b'', b'.', b'..', b'/', b'./', b'/.', b'./.', b'//', b'../outside', b'../tree-twin',
	b'dir/..', b'dir/../f', b'/..', b'f/', b'f/.', b'f/x', b'nowhere', b'nowhere/x', b'dir/new',
	b'dir/new/', b'dir/new/.', b'new/newer/newest', b'-', b'--daemon', b'/etc/passwd', b'...',
	b'.../x', b'..x', b'*', b'*.txt', b'dir/*', b'*/f', b'?', b'[fg]*', b'd*/', b'{f,g.txt}',
	b'.*', b'**', b'[', b'o*', b'sp*', b'nothing*', b'/*.txt', b'in*', b'closed/*', b'd?r/./*',
	b'dir/./sub', b'./dir/./sub', b'dir/./sub/', b'/dir/./sub/f', b'dir/sub/./', b'dir/././f',
	b'/./dir', b'./dir/', b'dir/./', b'in/./sub', b'in/./out', b'dir/.//sub', b'dir/sub/./../f',
	b'/dir//./sub', b'dir/./sub/./deep', b'proc/self/fd/0', b'/proc/self/fd/0', b'x' * 255,
	b'x' * 256, b'dir/' + b'y/' * 300, b'.rrsync-empty-basis', b'fifo/', b'null/.', b'loop/x')
SHELL = b' \\*?[]{}$"\'`&|;<>()!#~\t\n'
PIECES = (b' ', b'  ', b'\t', b'\n', b'\r', b'\x0b', b'\x1c', b'\\', b'\\\\', b'\\ ', b'\\\n',
	b'/', b'//', b'/./', b'/../', b'..', b'.', b' . ', b'-', b'--', b'=', b'*', b'[', b']',
	b'{', b'}', b'?', b'~', b'%', b'e', b's', b'L', b'R', b'0', b'9', b'@', b'\xc2\xa0',
	b'\xe3\x80\x80', b'\xc2\x85', b'\xe2\x80\xa8', b'\xd9\xa1', b'\xc3\xa4', b'\xff', b'\xc2',
	b'\x01', b'\x7f', b'\x1b', b'--sender', b' --sender ', b'--server', b'--daemon', b'-R',
	b'--no-relative', b'/proc/self/fd/3', b'out', b'self', b'fifo', b'dangling')


class Lines:
	"""An endless supply; the same seed and tree give the same lines."""

	def __init__(self, rng, tree, long_opts):
		self.rng, self.tree = rng, tree
		name = str.encode
		self.plain = [name(o) for o, arg in long_opts.items() if arg == 0 and o not in
			('server', 'sender', 'copy-unsafe-links')]
		self.delete = [o for o in self.plain if o.startswith((b'delete', b'remove'))]
		self.valued = [name(o) for o, arg in long_opts.items() if arg == 1]
		self.paths = [name(o) for o, arg in long_opts.items() if arg in (2, 3)]
		self.every = [name(o) for o in long_opts]

	def chance(self, percent):
		return self.rng.random() * 100 < percent

	def server(self):
		pick = self.rng.choice
		flags = pick(([b'-ro'], [b'-ro'], [b'-wo'], [b'-wo'], [], [], []))[:]
		for flag in (b'-munge', b'-absolute', b'-no-del', b'-no-lock', b'-no-overwrite'):
			if self.chance(20):
				flags.append(flag)
		self.rng.shuffle(flags)
		tree = self.tree
		places = (tree.dir + b'/dir', tree.dir + b'//dir two/', tree.base + b'/tree-link',
			tree.dir + b'/in/', tree.dir + b'/empty', tree.dir + b'/closed')
		place = b'/' if self.chance(12) else pick(places) if self.chance(12) else tree.dir
		return flags + [place]

	def next(self):
		options = self.server()
		wrong = 2 if self.chance(70) else 15	# percent of wrong things
		sender = b'-wo' not in options and (b'-ro' in options or self.chance(50))
		if self.chance(wrong / 2):
			sender = not sender
		words = [b'rsync', b'--server'] + [b'--sender'] * sender + self.opts(options, sender, wrong)
		if not self.chance(wrong / 4):
			words.append(b'.')
		count = self.rng.choice((1, 1, 1, 2, 3, 0, 5)) if sender else self.rng.choice((1, 1, 1, 1, 2, 0))
		for _ in range(count):
			words.append(self.escape(self.path(options, sender, wrong)))
		command = b' '.join(words)
		if self.chance(18):
			command = self.mutate(command)
		# A NUL cannot be in it; a character cut in two by a backslash is two to the script.
		return Line(options, re.sub(rb'\0|\\(?=[\x80-\xbf])', b'', command))

	def opts(self, options, sender, wrong):
		pick = self.rng.choice
		words = [self.cluster(options, wrong)] if self.chance(95) else []
		if self.chance(5):
			words.append(pick((b'-B%d', b'-@%d')) % self.rng.randrange(10000))
		for _ in range(pick((0, 0, 0, 1, 1, 2, 3, 6))):
			if self.chance(wrong):
				words.append(pick(BAD_OPTIONS))
				continue
			name = pick(self.wanted(options, sender, wrong))
			if name in self.plain or (name not in self.valued and name not in self.paths):
				words.append(b'--' + name + (b'=1' if self.chance(wrong / 10) else b''))
			else:
				words += self.with_value(name, options, sender, wrong)
		if self.chance(8):
			words.append(b'--no-relative')
		if self.chance(20):
			self.rng.shuffle(words)
		return words

	def wanted(self, options, sender, wrong):
		"""The names of one kind of option; mostly of those that are not refused here."""
		if self.chance(wrong):
			return self.every
		kind = self.rng.choice((self.plain, self.valued, self.paths, self.paths))
		refused = set()
		if b'-ro' in options or b'-no-del' in options:
			refused.update(self.delete)
		if b'-ro' in options:
			refused.add(b'log-file')
		if b'-no-overwrite' in options:
			refused.update((b'log-file', b'partial-dir', b'delay-updates', b'backup-dir'))
		return [name for name in kind if name not in refused]

	def cluster(self, options, wrong):
		rng = self.rng
		if self.chance(60):
			word = rng.choice(CLUSTERS)
		else:
			word = b'-' + bytes(rng.choices(LETTERS, k=rng.randrange(1, 14)))
			word += rng.choice((b'', b'e.iLsfxCIvu', b'e.', b'e31.14', b'e.LsR'))
		if b'-no-overwrite' in options and not self.chance(wrong):
			word = word.replace(b'b', b'')
		if self.chance(wrong):
			at = rng.randrange(1, len(word) + 1)
			word = word[:at] + bytes([rng.choice(ANY_LETTER)]) + word[at:]
		return word if len(word) > 1 else b'-r'

	def with_value(self, name, options, sender, wrong):
		if name in self.valued:
			value = self.rng.choice(VALUES)
		elif name == b'files-from' and (self.chance(50) or b'-wo' in options):
			value = b'-'
		elif self.chance(50):
			value = self.rng.choice((b'prev', b'/prev', b'../prev', b'bak', b'/bak', b'part', b'tmp',
				b'list', b'log', b'/new/bak', b'new', b'./new/deep/er', b'.~tmp~', b'.rsync-partial',
				b'/prev-link', b'dir/new', b'/in/new', b'prev/', b'/prev/.', b'/prev-out'))
		else:
			value = self.path(options, sender, wrong)
		value = self.escape(value)
		return [b'--' + name, value or b'1'] if self.chance(35) else [b'--' + name + b'=' + value]

	def path(self, options, sender, wrong):
		rng = self.rng
		if self.chance(wrong + 8):
			path = rng.choice(ODD_PATHS)
		else:
			path = rng.choice(self.tree.names)
			if self.chance(10):
				path = path[:rng.randrange(len(path) + 1)] + b'*'
			if not sender and self.chance(20):
				path += b'/' + rng.choice((b'new', b'new/er', b'f', b'sub', b'..'))
			if self.chance(12):
				path = path.replace(b'/', rng.choice((b'/./', b'//', b'/.//')), 1)
			path += rng.choice((b'',) * 8 + (b'/', b'/', b'/.', b'//', b'/./'))
		if options[-1] == b'/' and self.chance(70):
			path = self.tree.dir + b'/' + path
		elif self.chance(70 if b'-absolute' in options else 4):
			near = (b'/tree',) * 16 + (b'/tree-link', b'/tree-twin', b'/tree/in', b'//tree/')
			path = self.tree.base + rng.choice(near) + b'/' + path
		else:
			path = rng.choice((b'',) * 8 + (b'/', b'/', b'./', b'//', b'././', b'/./')) + path
		return path

	def escape(self, path):
		"""As the client does it; now and then not at all, or everything."""
		which = self.rng.random()
		if which < 0.04:
			return path
		always = which > 0.97
		wild = which < 0.5	# as --old-args and the user's own wildcards
		out = bytearray()
		for byte in path:
			if always or (byte in SHELL and not (wild and byte in b'*?[]')):
				out += b'\\'
			out.append(byte)
		return bytes(out)

	def mutate(self, command):
		rng = self.rng
		for _ in range(rng.choice((1, 1, 1, 2, 4))):
			at = rng.randrange(len(command) + 1)
			how = rng.randrange(7)
			if how == 0:
				command = command[:at] + command[at + rng.choice((1, 1, 2, 5)):]
			elif how <= 2:
				command = command[:at] + rng.choice(PIECES) + command[at:]
			elif how == 3:
				command = command[:at] + rng.choice(PIECES) + command[at + 1:]
			elif how == 4:
				command = command[:at] + bytes([rng.randrange(1, 256)]) + command[at + 1:]
			else:
				words = command.split(b' ')
				one, two = rng.randrange(len(words)), rng.randrange(len(words))
				if how == 5:
					words[one], words[two] = words[two], words[one]
				else:
					words.insert(one, words[two])
				command = b' '.join(words)
		return command
