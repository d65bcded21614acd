// SPDX-License-Identifier: Apache-2.0
/* The rows of what a pull consisted of. */
#include "model/json_shape.h"

#define SELF struct pull_layer
static const struct json_field layer_rows[] = {
	JSON_ROW(TEXT, digest),		JSON_WORD(origin, json_layer_origins),
	JSON_ROW(UINT, bytes),		JSON_ROW(UINT, unpacked_bytes),
	JSON_ROW(UINT, unpacked_files), JSON_OBJECT(download, json_span),
	JSON_OBJECT(unpack, json_span),
};
static JSON_SHAPE(layer_shape, SELF, layer_rows);

#undef SELF
#define SELF struct pull_anatomy
static const struct json_field anatomy_rows[] = {
	JSON_ROW(TEXT, registry),
	JSON_ROW(TEXT, peer),
	JSON_ROW(UINT, peer_port),
	JSON_OBJECT(queue, json_span),
	JSON_ROW(TEXT, queued_behind),
	JSON_OBJECT(resolve, json_span),
	JSON_ROW(UINT, download_ns),
	JSON_ROW(UINT, unpack_ns),
	JSON_ROW(UINT, fetch_ns),
	JSON_ROW(UINT, unpacked_bytes),
	JSON_ROW(UINT, unpacked_files),
	JSON_ROW(UINT, parallel),
	JSON_ROW(UINT, failures),
	JSON_OBJECT(waited, json_span),
	JSON_ROW(TEXT, shared_with),
	JSON_ROW(TEXT, shared_layer),
	JSON_OBJECT(link, json_span),
	JSON_ROW(TEXT, link_with),
	JSON_COUNTED(layers, layer_count, layer_shape),
};
JSON_SHAPE(json_pull_anatomy, SELF, anatomy_rows);
