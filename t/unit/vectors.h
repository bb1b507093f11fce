/*
 * vectors.h: the keys and tokens of the RFCs.
 */
#ifndef VECTORS_H
#define VECTORS_H

/* RFC 7515 A.1, A.2, A.3, A.4; RFC 8037 A.2 */
#define RFC_K "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3" \
    "Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RFC_N "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHm" \
    "fHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG" \
    "6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB" \
    "dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7" \
    "aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp" \
    "oQ"
#define RFC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define RFC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RFC_X521 "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_Nj" \
    "FZ6OvLFV1jSfS9tsz4qUxcWceqwQGk"
#define RFC_Y521 "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly7" \
    "9ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"
#define RFC_ED "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

/* Members of a JWK, without the braces. */
#define OCT "\"kty\":\"oct\",\"k\":\"" RFC_K "\""
#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQAB\""
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X \
    "\",\"y\":\"" RFC_Y "\""
#define EC521_KEY "\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" RFC_X521 \
    "\",\"y\":\"" RFC_Y521 "\""
#define ED_KEY "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED "\""

#define RFC_CLAIMS "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6" \
    "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static const struct {
    const char *sentence;
    const char *jwk;
    const char *token;
} vectors[] = {
    { "RFC 7515 A.1, HS256", "{" OCT "}",
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS
      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
    { "RFC 7515 A.2, RS256", "{" RSA_KEY "}",
      "eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS
      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAu"
      "HIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFd"
      "iuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eS"
      "N9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI"
      "2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe7"
      "7Rw" },
    { "RFC 7515 A.3, ES256", "{" EC_KEY "}",
      "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmW"
      "QxfKTUJqPP3-Kg6NU1Q" },
    { "RFC 7515 A.4, ES512", "{" EC521_KEY "}",
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
      ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT"
      "2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyq"
      "OgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn" },
    { "RFC 8037 A.4, Ed25519", "{" ED_KEY "}",
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
      ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVs"
      "Pt9g7sVvpAr_MuM0KAg" }
};

#define VECTOR_COUNT (sizeof(vectors) / sizeof(*vectors))

#endif
