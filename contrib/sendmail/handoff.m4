divert(-1)
dnl Mailers for handoff, an LMTP server. README in this directory explains how to use them.
dnl
dnl     handoff         connects to handoff's unix socket; one session for many recipients
dnl     handoff-stdin   starts `handoffd --stdin' for each delivery; needs no daemon
dnl
dnl To change the defaults, first define HANDOFF_SOCKET, HANDOFF_PATH or HANDOFF_STDIN_ARGS.
dnl
dnl Flags: z LMTP; m many recipients in a session; X escape leading dots; n no From_ line; P add a
dnl Return-Path: line, which handoff replaces; 9 keep eight-bit characters; S start as root (handoffd
dnl then becomes the user of its configuration).
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
