/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_layout.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "base/fnv.h"
#include "layout.h"

#define DEPTH_MAX 16

static uint64_t add_number(uint64_t hash, uint64_t number)
{
	return fnv_bytes(hash, &number, sizeof(number));
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return fnv_bytes(hash, text, strlen(text) + 1);
}

static uint64_t add_type(uint64_t hash, const struct btf *btf, uint32_t id, int depth);

static uint64_t add_members(uint64_t hash, const struct btf *btf, const struct btf_type *type,
			    int depth)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		hash = add_text(hash, btf__name_by_offset(btf, members[i].name_off));
		hash = add_number(hash, btf_member_bit_offset(type, i));
		hash = add_type(hash, btf, members[i].type, depth);
	}
	return hash;
}

/* The variables of .bss. */
static uint64_t add_variables(uint64_t hash, const struct btf *btf, const struct btf_type *type,
			      int depth)
{
	const struct btf_var_secinfo *variables = btf_var_secinfos(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *variable = btf__type_by_id(btf, variables[i].type);

		hash = add_text(hash, btf__name_by_offset(btf, variable->name_off));
		hash = add_number(hash, variables[i].offset);
		hash = add_type(hash, btf, variable->type, depth);
	}
	return hash;
}

static uint64_t add_type(uint64_t hash, const struct btf *btf, uint32_t id, int depth)
{
	int resolved = btf__resolve_type(btf, id);
	const struct btf_type *type =
		resolved > 0 ? btf__type_by_id(btf, (uint32_t)resolved) : NULL;

	if (!type || depth >= DEPTH_MAX)
		return add_number(hash, 0);
	hash = add_number(hash, btf_kind(type));
	if (btf_is_array(type)) {
		hash = add_number(hash, btf_array(type)->nelems);
		return add_type(hash, btf, btf_array(type)->type, depth + 1);
	}
	if (btf_is_ptr(type))
		return hash;
	hash = add_number(hash, type->size);
	if (btf_is_composite(type))
		return add_members(hash, btf, type, depth + 1);
	return btf_is_datasec(type) ? add_variables(hash, btf, type, depth + 1) : hash;
}

static uint64_t add_map(uint64_t hash, const struct btf *btf, const struct bpf_map *map)
{
	hash = add_text(hash, bpf_map__name(map));
	hash = add_number(hash, bpf_map__type(map));
	hash = add_number(hash, bpf_map__key_size(map));
	hash = add_number(hash, bpf_map__value_size(map));
	hash = add_number(hash, bpf_map__max_entries(map));
	hash = add_type(hash, btf, bpf_map__btf_key_type_id(map), 0);
	return add_type(hash, btf, bpf_map__btf_value_type_id(map), 0);
}

uint64_t kernel_layout(const struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	uint64_t hash = add_text(FNV_BEGIN, WIRE_LAYOUT);
	const struct bpf_map *map;

	bpf_object__for_each_map (map, object)
		hash = add_map(hash, btf, map);
	return hash;
}
