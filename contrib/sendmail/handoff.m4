divert(-1)
dnl Mailers that hand over to handoff, an LMTP server. README beside this file says how to use it.
dnl
dnl     handoff         a session on handoff's unix socket, for many recipients
dnl     handoff-stdin   a `handoffd --stdin' for each delivery; no daemon runs
dnl
dnl May be defined before: HANDOFF_SOCKET, HANDOFF_PATH, HANDOFF_STDIN_ARGS.
dnl
dnl Flags: z LMTP; m many recipients a session; X dots as the protocol hides them; n no From_ line; P a
dnl Return-Path: line, which handoff writes anew; 9 eight bits stay; S started as root, and handoffd
dnl itself becomes the user of its configuration.
divert(0)
VERSIONID(`handoff.m4')
divert(-1)

ifdef(`HANDOFF_SOCKET',, `define(`HANDOFF_SOCKET', `/run/handoff/lmtp.sock')')
ifdef(`HANDOFF_PATH',, `define(`HANDOFF_PATH', `/usr/local/sbin/handoffd')')
ifdef(`HANDOFF_STDIN_ARGS',, `define(`HANDOFF_STDIN_ARGS', `handoffd --stdin')')

MAILER_DEFINITIONS
Mhandoff,	P=[IPC], F=PXmnz9, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\r\n,
                T=DNS/RFC822/SMTP, A=FILE HANDOFF_SOCKET
Mhandoff-stdin,	P=HANDOFF_PATH, F=PSXmnz9, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\r\n,
                T=DNS/RFC822/SMTP, A=HANDOFF_STDIN_ARGS
divert(-1)
