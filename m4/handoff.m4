# Macros for configure.ac.

# HANDOFF_FLAG(VARIABLE, FLAGS, [needed]): adds FLAGS to VARIABLE if a program compiles
# and links with them without a warning. If it does not and they are needed, configure
# fails.
AC_DEFUN([HANDOFF_FLAG],
  [AC_MSG_CHECKING([whether $CXX takes $2])
   handoff_cxxflags=$CXXFLAGS
   CXXFLAGS="$CXXFLAGS $2 -Werror"
   AC_LINK_IFELSE([AC_LANG_SOURCE([int main() { return 0; }])], [handoff_takes=yes], [handoff_takes=no])
   CXXFLAGS=$handoff_cxxflags
   AC_MSG_RESULT([$handoff_takes])
   AS_IF([test $handoff_takes = yes], [$1="${$1:+$$1 }$2"],
     [m4_ifval([$3], [AC_MSG_ERROR([$2 was asked for, and $CXX cannot do it])], [:])])])

# HANDOFF_FLAGS(VARIABLE, FLAGS): the same for each of FLAGS. If all are accepted, as they are by
# the usual compilers, a single test suffices.
AC_DEFUN([HANDOFF_FLAGS],
  [HANDOFF_FLAG([$1], m4_normalize([$2]))
   AS_IF([test $handoff_takes = no],
     [for handoff_flag in m4_normalize([$2]); do
        HANDOFF_FLAG([$1], [$handoff_flag])
      done])])

# HANDOFF_LIB(NAME, VARIABLE, PKG-CONFIG MODULES, LIBS, INCLUDES, BODY, [MORE LIBS]):
# finds flags with which a program that consists of INCLUDES and BODY links: it tries those of
# pkg-config (plus MORE LIBS, which pkg-config does not know), then LIBS in the usual directories.
# Sets VARIABLE_CXXFLAGS, VARIABLE_LIBS and handoff_found_VARIABLE. -isystem suppresses warnings
# about the headers of libraries.
AC_DEFUN([HANDOFF_LIB],
  [AC_MSG_CHECKING([for $1])
   handoff_found_$2=no
   handoff_cxxflags=$CXXFLAGS
   handoff_libs=$LIBS
   for handoff_try in m4_ifval([$3], [pkg-config]) default /usr/local /usr/pkg /opt/local; do
     AS_CASE([$handoff_try],
       [pkg-config],
         [AS_IF([test -n "$PKG_CONFIG" && $PKG_CONFIG --exists "$3" 2>/dev/null],
           [$2_CXXFLAGS=`$PKG_CONFIG --cflags "$3"`
            $2_LIBS="`$PKG_CONFIG --libs "$3"` $7"],
           [continue])],
       [default], [$2_CXXFLAGS= $2_LIBS="$4"],
       [AS_IF([test -d "$handoff_try/include"],
         [$2_CXXFLAGS="-isystem $handoff_try/include" $2_LIBS="-L$handoff_try/lib $4"], [continue])])
     CXXFLAGS="$handoff_cxxflags $$2_CXXFLAGS"
     LIBS="$$2_LIBS $handoff_libs"
     AC_LINK_IFELSE([AC_LANG_PROGRAM([$5], [$6])], [handoff_found_$2=yes; break])
   done
   CXXFLAGS=$handoff_cxxflags
   LIBS=$handoff_libs
   AS_IF([test $handoff_found_$2 = no], [$2_CXXFLAGS= $2_LIBS=])
   AC_MSG_RESULT([$handoff_found_$2])
   AC_SUBST([$2_CXXFLAGS])
   AC_SUBST([$2_LIBS])])

# HANDOFF_NEEDED(as HANDOFF_LIB): the same, but configure fails if nothing is found.
AC_DEFUN([HANDOFF_NEEDED],
  [HANDOFF_LIB($@)
   AS_IF([test $handoff_found_$2 = no],
     [AC_MSG_ERROR([$1 is needed; contrib/bootstrap installs it])])])

# HANDOFF_PART(OPTION, VARIABLE, WHAT FOR, then as HANDOFF_LIB from PKG-CONFIG
# MODULES on): an optional part. --with-OPTION requires it, --without-OPTION omits it;
# by default it is used if it is found. Defines HAVE_VARIABLE.
AC_DEFUN([HANDOFF_PART],
  [AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1], [$3 @<:@if available@:>@])], [], [with_$1=auto])
   AS_IF([test "$with_$1" = no], [handoff_found_$2=no],
     [HANDOFF_LIB([$1], [$2], m4_shift3($@))
      AS_IF([test $handoff_found_$2 = no && test "$with_$1" != auto],
        [AC_MSG_ERROR([--with-$1 was asked for, and it is not there])])])
   AS_IF([test $handoff_found_$2 = yes],
     [AC_DEFINE([HAVE_$2], [1], [Define for $3.])])
   handoff_parts="$handoff_parts  m4_format([%-14s], [$1]) $handoff_found_$2 ($3)
"])

# HANDOFF_OPTIONAL(as HANDOFF_PART): a part that is linked into the programs.
AC_DEFUN([HANDOFF_OPTIONAL],
  [HANDOFF_PART($@)
   AS_IF([test $handoff_found_$2 = yes],
     [PARTS_CXXFLAGS="$PARTS_CXXFLAGS $$2_CXXFLAGS"
      PARTS_LIBS="$PARTS_LIBS $$2_LIBS"])])

# HANDOFF_LOOKUP(as HANDOFF_PART): a part that is a module, src/lookups/OPTION_*.cc. Adds
# OPTION to LOOKUPS.
AC_DEFUN([HANDOFF_LOOKUP],
  [HANDOFF_PART($@)
   AS_IF([test $handoff_found_$2 = yes], [LOOKUPS="$LOOKUPS $1"])])
