/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostconfig/firewall.h"

#include <unistd.h>

#include "common/atomic-file.h"
#include "common/subproc.h"
#include "hostconfig/generate.h"
#include "hostconfig/host.h"

static int nft(const char *const *argv, const char *input, struct strbuf *output,
	       struct err *err)
{
	return subproc_run(&(struct subproc){ .argv = argv,
					      .input = input,
					      .input_len = input ? strlen(input) : 0,
					      .output = output,
					      .quiet = true,
					      .timeout_ms = HOST_PROGRAM_TIMEOUT_MS },
			   NULL, err);
}

static int load_text(const char *text, struct err *err)
{
	return nft((const char *const[]){ "nft", "-f", "-", NULL }, text, NULL, err);
}

int firewall_look(enum firewall_state *state, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_err_ struct err none = ERR_INIT;
	*state = FIREWALL_NONE;
	if (geteuid() != 0)
		return err_set(err, ERR_REFUSED, "only root may look at the firewall");
	if (nft((const char *const[]){ "nft", "list", "table", "inet", "waybill_host", NULL },
		NULL, &text, &none) < 0) {
		if (none.code == ERR_NOT_FOUND)
			return err_set(err, none.code, "%s", none.msg);
		return 0;
	}
	*state = strstr(text.data, "chain closed {") ? FIREWALL_CLOSED : FIREWALL_LOADED;
	return 0;
}

int firewall_ensure(struct err *err)
{
	enum firewall_state state;
	if (firewall_look(&state, err) < 0)
		return -1;
	return state == FIREWALL_NONE ? load_text(closed_table, err) : 0;
}

int firewall_load(const struct root *root, const struct params *params,
		  const struct policy *policy, struct err *err)
{
	_cleanup_free_ char *rules = root_path(root, NFT_RULES);
	_cleanup_free_ char *made = root_path(root, NFT_MADE);
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	generate_nft(params, rules, policy, &text);
	if (atomic_file_write(made, text.data, text.len, 0644, err) == 0 &&
	    nft((const char *const[]){ "nft", "-f", made, NULL }, NULL, NULL, err) == 0)
		return 0;
	_cleanup_err_ struct err closing = ERR_INIT;
	if (firewall_ensure(&closing) < 0)
		return err_prefix(err, "there is no firewall (%s)", closing.msg);
	return err_prefix(err, "the firewall stays as it was, or is closed");
}

int firewall_remove(struct err *err)
{
	return load_text("table inet waybill_host\ndelete table inet waybill_host\n", err);
}
