#ifndef TEST_PEM_H
#define TEST_PEM_H

/* Spellings that OpenSSL's command line gives: KEY0 of vectors.h as SEC 1, in a certificate, with a
 * passphrase, and its public part whole and compressed; and keys of other kinds. */
#define PEM_SEC1                                                                                   \
    "-----BEGIN EC PRIVATE KEY-----\n"                                                             \
    "MHcCAQEEIClt4uskBZ96TQkr7a4NSDz6of6CnZHdwy9ZsgYoHXSCoAoGCCqGSM49\n"                           \
    "AwEHoUQDQgAENFNMo03lTfx3YjB6thIo2chjiOqW+ReQAB60cDU3HBAcszAoCpP2\n"                           \
    "twsW7YlNlCV/IOda8ohbuwe3TM9O0oQKjQ==\n"                                                       \
    "-----END EC PRIVATE KEY-----\n"
#define PEM_CERT                                                                                   \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBdTCCARugAwIBAgIUMYe9Bv0oEzcKvIHxsYMWEXGRlmcwCgYIKoZIzj0EAwIw\n"                           \
    "DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjAxMTEzNTBaGA8yMTI2MTAyNzExMTM1\n"                           \
    "MFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDRT\n"                           \
    "TKNN5U38d2IwerYSKNnIY4jqlvkXkAAetHA1NxwQHLMwKAqT9rcLFu2JTZQlfyDn\n"                           \
    "WvKIW7sHt0zPTtKECo2jUzBRMB0GA1UdDgQWBBS4TEFF/7TysjB9cmpWIIgsC2ua\n"                           \
    "jTAfBgNVHSMEGDAWgBS4TEFF/7TysjB9cmpWIIgsC2uajTAPBgNVHRMBAf8EBTAD\n"                           \
    "AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCxmVLKYg1A4TEO1pz3eY0nwBUso6/LmBX5\n"                           \
    "U4sH0vAVTgIgGFwirAdClASAjSl/y74VD0I9M5yoswjZVb3MYxNjDEE=\n"                                   \
    "-----END CERTIFICATE-----\n"
#define PEM_ENCRYPTED                                                                              \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                                                      \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhu4ouqu5nqUgICCAAw\n"                           \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFNABhoPZhH38Jc9gCwTlyMEgZCR\n"                           \
    "A250UUeReOg5XItU7Zbskkcm7BcZZqj2+ulXwTiot4gexNn2YYOLkDOLzaTckfVS\n"                           \
    "pyqzQjjVhhd61eUhbK7Hd3tbVRTxXH9E5kyhgiNrvn49Vc1mLY09xhWI36FSr0U7\n"                           \
    "WZwia4lw3VHoKhYeEw/t5KU0UayqGBljyjQvmyvUBuLsmDFKnTatT191KrZii/0=\n"                           \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
#define PEM_COMPRESSED_PUB                                                                         \
    "-----BEGIN PUBLIC KEY-----\n"                                                                 \
    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADNFNMo03lTfx3YjB6thIo2chjiOqW\n"                           \
    "+ReQAB60cDU3HBA=\n"                                                                           \
    "-----END PUBLIC KEY-----\n"
#define PEM_PUB                                                                                    \
    "-----BEGIN PUBLIC KEY-----\n"                                                                 \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENFNMo03lTfx3YjB6thIo2chjiOqW\n"                           \
    "+ReQAB60cDU3HBAcszAoCpP2twsW7YlNlCV/IOda8ohbuwe3TM9O0oQKjQ==\n"                               \
    "-----END PUBLIC KEY-----\n"
#define PEM_ED25519                                                                                \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIFPgvhwS2WJDvnAQbFXqS37kVgCLRzVNIBH7RlUfRt52\n"                           \
    "-----END PRIVATE KEY-----\n"
#define PEM_P384                                                                                   \
    "-----BEGIN EC PRIVATE KEY-----\n"                                                             \
    "MIGkAgEBBDCceVCoLjbVmosEEgy6Dx2xZ2sdgEzH6Tx8ThqGLLkD/TWXOI41xck1\n"                           \
    "HNaGRC5uSNigBwYFK4EEACKhZANiAARZyIIwrkDq04TMBp4AkdS3nG9l1FZptdrj\n"                           \
    "X6UtLYgSmukrJvUOupEiRxll+6/qylxHMZU7Jmpr+PyEdDDwDs99CQFyY57UiCI+\n"                           \
    "KYonEHRi/vWGeibQd//vHdcuF3u8iAo=\n"                                                           \
    "-----END EC PRIVATE KEY-----\n"

#endif
