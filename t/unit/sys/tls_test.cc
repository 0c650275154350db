// X10: valid and invalid certificates. t/e2e/t0300-tls.t tests handshakes.
#include "sys/tls.hh"

#include <boost/test/unit_test.hpp>

#include "sys/sasl.hh"

using namespace handoff::sys;

BOOST_AUTO_TEST_SUITE(sys_tls)

#ifdef HAVE_OPENSSL

BOOST_AUTO_TEST_CASE(a_missing_certificate_is_ENOENT_X10) {
  TlsOptions options;
  options.certificate = "/nonexistent/certificate.pem";
  auto context = TlsContext::load(options);
  BOOST_REQUIRE(!context.ok());
  BOOST_TEST(context.error().code == ENOENT);
  BOOST_TEST(context.error().describe() ==
             "tls.certificate /nonexistent/certificate.pem: No such file or directory");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_a_certificate_is_EINVAL_X10) {
  TlsOptions options;
  options.certificate = "/dev/null";
  auto context = TlsContext::load(options);
  BOOST_REQUIRE(!context.ok());
  BOOST_TEST(context.error().code == EINVAL);
}

BOOST_AUTO_TEST_CASE(ciphers_that_openssl_does_not_know_are_EINVAL_X10) {
  TlsOptions options;
  options.certificate = "/dev/null";
  options.ciphers = "NO-SUCH-CIPHER";
  auto context = TlsContext::load(options);
  BOOST_REQUIRE(!context.ok());
  BOOST_TEST(context.error().what.starts_with("tls.ciphers"));
}

#else

BOOST_AUTO_TEST_CASE(a_build_without_openssl_says_so_X10) {
  BOOST_TEST(TlsContext::load({}).error().code == ENOTSUP);
}

#endif

#ifndef HAVE_SASL
BOOST_AUTO_TEST_CASE(a_build_without_sasl_says_so_X11) {
  BOOST_TEST(SaslServer::start({}).error().code == ENOTSUP);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
