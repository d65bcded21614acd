// SPDX-License-Identifier: Apache-2.0
/* The data stands in the page as JSON without < > &, so no text can end the script element. */
#include "cli/chart/chart_html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/chart/chart_json.h"
#include "cli/chart/chart_svg.h"
#include "cli/xml.h"

extern const char chart_page_css[], chart_page_js[];

/* The files stand beside this one; paths are from the repository's root, where make runs. */
__asm__(".pushsection .rodata\n"
	".global chart_page_css\n"
	"chart_page_css:\n"
	".incbin \"agent/cli/chart/chart_page.css\"\n"
	".byte 0\n"
	".global chart_page_js\n"
	"chart_page_js:\n"
	".incbin \"agent/cli/chart/chart_page.js\"\n"
	".byte 0\n"
	".popsection\n");

/* In JSON these three stand inside of texts only, where they may be written as escapes. */
static void print_embedded(FILE *out, const char *json)
{
	for (; *json; json++)
		if (strchr("<>&", *json))
			fprintf(out, "\\u%04x", (unsigned int)*json);
		else
			fputc(*json, out);
}

static int print_data(FILE *out, const struct chart *chart, json_t *data)
{
	cleanup_free char *text = NULL;

	if (json_object_set_new(data, "chart", chart_json(chart)) < 0)
		return -ENOMEM;
	text = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (!text)
		return -ENOMEM;
	fputs("<script type=\"application/json\" id=\"report\">", out);
	print_embedded(out, text);
	fputs("</script>\n", out);
	return 0;
}

static void print_head(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\">\n<title>",
	      out);
	xml_print(out, title);
	fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body class=\"chart\">\n",
		chart_css, chart_page_css);
}

static void print_body(FILE *out, const struct chart *chart, const struct chart_page *page)
{
	fputs(page->summary, out);
	fprintf(out,
		"<div class=\"tools\" id=\"tools\" hidden>\n"
		"<input type=\"search\" id=\"search\" placeholder=\"Search: %s ( / )\" "
		"aria-label=\"Search\" autocomplete=\"off\">\n"
		"<label><input type=\"checkbox\" id=\"critical\"> critical path only</label>\n"
		"<span id=\"count\" class=\"quiet\" role=\"status\"></span>\n</div>\n"
		"<div class=\"scroll\">\n",
		page->search);
	chart_svg_inside(out, chart);
	fputs("</div>\n", out);
	fputs(page->below ?: "", out);
	fputs("<div id=\"tip\" role=\"tooltip\" hidden></div>\n", out);
}

int chart_html(FILE *out, const struct chart *chart, const struct chart_page *page)
{
	print_head(out, page->title);
	print_body(out, chart, page);
	int r = print_data(out, chart, page->data);

	fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", chart_page_js);
	return r;
}
