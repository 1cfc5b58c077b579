# What every component's Makefile.am starts from: flags, and how to link libcommon.a.
AM_CPPFLAGS = -I$(top_srcdir) -I$(top_builddir) -D_GNU_SOURCE \
	-DWAYBILL_DATADIR='"$(pkgdatadir)"'
AM_CFLAGS = $(WAYBILL_CSTD) $(WARN_CFLAGS) $(INSTRUMENT)
AM_CXXFLAGS = $(WAYBILL_CXXSTD) $(WARN_CXXFLAGS) $(INSTRUMENT)
AM_LDFLAGS = $(INSTRUMENT) -Wl,--as-needed
COMMON = $(top_builddir)/common/libcommon.a
# Unit tests run from the build tree and find their data by these.
AM_TESTS_ENVIRONMENT = srcdir='$(abs_srcdir)' top_srcdir='$(abs_top_srcdir)' \
	top_builddir='$(abs_top_builddir)'; export srcdir top_srcdir top_builddir;
TEST_EXTENSIONS = .sh
LOG_COMPILER = $(top_srcdir)/tests/lib/bounded
SH_LOG_COMPILER = $(LOG_COMPILER)
