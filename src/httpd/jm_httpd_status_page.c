/*
 * jm_httpd_status_page.c: the pieces that the status page is made of. All
 * text is escaped here. Touches the response.
 */
#include "jm_httpd_status.h"

void jm_page_text(request_rec *r, const char *text)
{
    ap_rputs(ap_escape_html(r->pool, text), r);
}

void jm_page_code(request_rec *r, const char *text)
{
    ap_rputs("<code>", r);
    jm_page_text(r, text);
    ap_rputs("</code>", r);
}

void jm_page_words(request_rec *r, const char *text)
{
    int is_code = 0;

    while (*text) {
        const char *part = ap_getword(r->pool, &text, '`');

        if (is_code) {
            jm_page_code(r, part);
        }
        else {
            jm_page_text(r, part);
        }
        is_code = !is_code;
    }
}

void jm_page_number(request_rec *r, const char *kind, jm_counter_t number)
{
    ap_rprintf(r, "<td class=\"num%s%s\">%s</td>", kind,
               number ? "" : " zero", jm_status_number(r->pool, number));
}

double jm_page_piece(request_rec *r, const char *kind, double from,
                     double width)
{
    if (width > 0) {
        ap_rprintf(r, "<rect class=\"%s\" x=\"%.2f%%\" width=\"%.2f%%\" "
                   "height=\"100%%\"/>", kind, from, width);
    }
    return from + width;
}

void jm_page_open_table(request_rec *r, const char *name, const char *head)
{
    ap_rputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
             "aria-label=\"", r);
    jm_page_text(r, name);
    ap_rprintf(r, "\"><table>\n<thead><tr>%s</tr></thead>\n<tbody>\n", head);
}

void jm_page_close_table(request_rec *r)
{
    ap_rputs("</tbody></table></div>\n", r);
}
