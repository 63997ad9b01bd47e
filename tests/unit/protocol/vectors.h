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

/* Four more keys of Python's making: two root keys, a release key, a rollout key. */
#define KEY0_PEM                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKW3i6yQFn3pNCSvt\n"                           \
    "rg1IPPqh/oKdkd3DL1myBigddIKhRANCAAQ0U0yjTeVN/HdiMHq2EijZyGOI6pb5\n"                           \
    "F5AAHrRwNTccEByzMCgKk/a3CxbtiU2UJX8g51ryiFu7B7dMz07ShAqN\n"                                   \
    "-----END PRIVATE KEY-----\n"
#define KEY1_PEM                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbzLckaeLoM+9B6BF\n"                           \
    "p1e1LsQk6qhEPZyxBJ2nQv28x/KhRANCAATwyj8JPdpq/odkvA+jRtI+tyPqKOSs\n"                           \
    "l007//l8ili2uzNcOV49is0uBH0VfI/smsjrCqyFNDgbhtAgygIEmN6c\n"                                   \
    "-----END PRIVATE KEY-----\n"
#define KEY2_PEM                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgB3KINeJAIqUq4baE\n"                           \
    "jFx8TIXh6dOvLd0PYdA/m50abOKhRANCAARwGTXq6SmCVj32Aqko63SmrYeP0dZY\n"                           \
    "KtY8rXfbdTxAkN4P2DQAEuq0ugx2kDGFt/jK/++qbHUwbBes33Mx079b\n"                                   \
    "-----END PRIVATE KEY-----\n"
#define KEY3_PEM                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgV7534CiP796dO7jc\n"                           \
    "bcD6nFGivZL9TjS8mmecb4EYcg6hRANCAATs3zv1So3Rs4/vgDDV+8BqIJ4MXY5O\n"                           \
    "ihYWCqG0XM3d40MwJ8E7VudU3sdRTRKTh5ugldPe9B9yk4aavK0izfyk\n"                                   \
    "-----END PRIVATE KEY-----\n"
#define KEY0_KID "61a0f5dbe4fea286"
#define KEY1_KID "1024b1d3955289ca"
#define KEY2_KID "27f1c0ec38b9893d"
#define KEY3_KID "47c65eb3aafd7afc"

/* A keyset of those keys (threshold 1, one more kid revoked), signed by both root keys, in Python.
 */
#define VECTOR_KEYSET                                                                              \
    "{\"payload\":\"eyJmbGVldCI6ImhvbWUiLCJ2ZXJzaW9uIjoxLCJyb290Ijp7ImtleXMiOlt7Imt0eSI6IkVDI"     \
    "iwiY3J2IjoiUC0yNTYiLCJraWQiOiI2MWEwZjVkYmU0ZmVhMjg2IiwieCI6Ik5GTk1vMDNsVGZ4M1lqQjZ0aElvM"     \
    "mNoamlPcVctUmVRQUI2MGNEVTNIQkEiLCJ5IjoiSExNd0tBcVQ5cmNMRnUySlRaUWxmeURuV3ZLSVc3c0h0MHpQV"     \
    "HRLRUNvMCJ9LHsia3R5IjoiRUMiLCJjcnYiOiJQLTI1NiIsImtpZCI6IjEwMjRiMWQzOTU1Mjg5Y2EiLCJ4IjoiO"     \
    "E1vX0NUM2FhdjZIWkx3UG8wYlNQcmNqNmlqa3JKZE5PX181ZklwWXRycyIsInkiOiJNMXc1WGoyS3pTNEVmUlY4a"     \
    "i15YXlPc0tySVUwT0J1RzBDREtBZ1NZM3B3In1dLCJ0aHJlc2hvbGQiOjF9LCJyZWxlYXNlIjpbeyJrdHkiOiJFQ"     \
    "yIsImNydiI6IlAtMjU2Iiwia2lkIjoiMjdmMWMwZWMzOGI5ODkzZCIsIngiOiJjQmsxNnVrcGdsWTk5Z0twS090M"     \
    "HBxMkhqOUhXV0NyV1BLMTMyM1U4UUpBIiwieSI6IjNnX1lOQUFTNnJTNkRIYVFNWVczLU1yXzc2cHNkVEJzRjZ6Z"     \
    "mN6SFR2MXMifV0sInJvbGxvdXQiOlt7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJraWQiOiI0N2M2NWViM2FhZ"     \
    "mQ3YWZjIiwieCI6IjdOODc5VXFOMGJPUDc0QXcxZnZBYWlDZURGMk9Ub29XRmdxaHRGek4zZU0iLCJ5IjoiUXpBb"     \
    "ndUdFc1MVRleDFGTkVwT0htNkNWMDk3MEgzS1RocHE4clNMTl9LUSJ9XSwicmV2b2tlZCI6WyIwMDExMjIzMzQ0N"     \
    "TU2NmZmIl0sInNlcV9mbG9vciI6NX0\",\"signatures\":[{\"protected\":\"eyJhbGciOiJFUzI1NiIsIn"     \
    "R5cCI6Im11c3Rlci1rZXlzZXQiLCJraWQiOiI2MWEwZjVkYmU0ZmVhMjg2In0\",\"signature\":\"WEAcQp6M"     \
    "krkTYzC72bUcVyjy5pbl4a8RY3XRax61b-ruifY4fcXfmMg7L6fc1MhW0YkGzKtMNxAJvf84O2-F3w\"},{\"pro"     \
    "tected\":\"eyJhbGciOiJFUzI1NiIsInR5cCI6Im11c3Rlci1rZXlzZXQiLCJraWQiOiIxMDI0YjFkMzk1NTI4O"     \
    "WNhIn0\",\"signature\":\"z86pa7uay4BM1toj_QBCy8rMB3s0PveRF0nMhMnCrY5QdEROdbnepERudMsq1oR"     \
    "oN2IoxTS2eJ-JPwSSrzkA5g\"}]}"

#endif
