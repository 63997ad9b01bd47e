#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

/* A key and a JWS made by Python's cryptography package, to be checked against: nothing of ours had
 * a hand in them. */
#define VECTOR_KID "0203c4e71278a76f"
#define VECTOR_PUB                                                                                 \
    "048fd556c84675cbd9cf67a3b51a6e2fe5c69d25b270adee65ba5e8a3b8e479713c101777ffd2006e24d1a88f39a" \
    "feb02e23352f0a5adabe0f13163758ba91e29b"
#define VECTOR_PEM                                                                                 \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbXVzdGVyLXByb3Rv\n"                           \
    "Y29sLXRlc3QtdmVjdG9yLWtleTGhRANCAASP1VbIRnXL2c9no7Uabi/lxp0lsnCt\n"                           \
    "7mW6Xoo7jkeXE8EBd3/9IAbiTRqI85r+sC4jNS8KWtq+DxMWN1i6keKb\n"                                   \
    "-----END PRIVATE KEY-----\n"
#define VECTOR_HEADER                                                                              \
    "eyJraWQiOiAiMDIwM2M0ZTcxMjc4YTc2ZiIsICJhbGciOiAiRVMyNTYiLCAidHlwIjogIm11c3Rlci1vcmRlciJ9"
#define VECTOR_PAYLOAD "eyJoZWxsbyI6IndvcmxkIn0"
#define VECTOR_SIG                                                                                 \
    "4lgW3w_RSiufjwCTB_cWyiIc5WSedVTE19p654fs8sdtVZB1m_2G4fa2MqDve5Ae2vzpALVsH2-W4pTt1gpt-Q"
#define VECTOR_JWS VECTOR_HEADER "." VECTOR_PAYLOAD "." VECTOR_SIG
#define VECTOR_DER                                                                                 \
    "3045022100e25816df0fd14a2b9f8f009307f716ca221ce5649e7554c4d7da7ae787ecf2c702206d5590759bfd86" \
    "e1f6b632a0ef7b901edafce900b56c1f6f96e294edd60a6df9"

/* RFC 7515, appendix A.3. */
#define RFC_SIGNED                                                                                 \
    "eyJhbGciOiJFUzI1NiJ9."                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define RFC_SIG                                                                                    \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

#endif
