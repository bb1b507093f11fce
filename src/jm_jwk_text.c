/*
 * jm_jwk_text.c: a JWK Set as text, whose mistakes are told by line and
 * column. Touches the pools it is given.
 */
#include "jm_cleanse.h"
#include "jm_jwk.h"
#include "jm_json.h"

/* Where the places of the text become a part of what is reported. */
typedef struct places_t {
    jm_diags_t diags;
    jm_key_report_t *report;
    void *baton;
} places_t;

static const char *last_line(const places_t *places)
{
    const apr_array_header_t *list = places->diags.list;

    return jm_diag_line(places->diags.p, &places->diags,
                        &APR_ARRAY_IDX(list, list->nelts - 1, jm_diag_t));
}

static void report_place(void *baton, jm_severity_e severity,
                         const jm_json_t *at, const char *text)
{
    places_t *places = baton;

    if (at) {
        jm_json_diag(&places->diags, JM_ERROR, at, "%s", text);
        text = last_line(places);
    }
    places->report(places->baton, severity, NULL, text);
}

apr_status_t jm_keyset_jwks_text(const jm_keyset_t **pset, apr_pool_t *p,
                                 apr_pool_t *ptemp, jm_str_t text,
                                 const char *name, jm_key_report_t *report,
                                 void *baton)
{
    places_t places = { .report = report, .baton = baton };
    jm_json_error_t error = { 0, "", "out of memory" };
    const jm_json_t *jwks;

    *pset = NULL;
    jm_diag_init(&places.diags, ptemp, name, text);
    if (jm_json_parse(&jwks, &error, ptemp, text) != APR_SUCCESS) {
        jm_diag_add(&places.diags, JM_ERROR, error.offset, error.pointer,
                    "%s", error.message);
        report(baton, JM_ERROR, NULL, last_line(&places));
        return APR_EINVAL;
    }
    jm_cleanse_tree(ptemp, jwks);
    return jm_keyset_jwks(pset, p, jwks, 0, report_place, &places);
}
