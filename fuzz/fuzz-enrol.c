/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What anybody with an ssh key may send to the gate's enrolment, and what a gate may answer. */
#include <stdlib.h>
#include <string.h>

#include "common/enrol.h"

/* What was read is written and read again: nothing in it may look like another field. */
static void check_request(const char *text, size_t size, enum enrol_kind kind)
{
	struct enrol_request request, again;
	struct strbuf out = STRBUF_INIT;
	struct err err = ERR_INIT;
	if (enrol_request_parse(text, size, kind, &request, &err) == 0) {
		/* A key is one line before it goes anywhere: ssh_key_parse() sees to that. */
		if (request.public_key && strchr(request.public_key, '\n'))
			request.public_key[0] = '\0';
		if (!request.public_key || *request.public_key) {
			enrol_request_format(&request, kind, &out);
			if (enrol_request_parse(out.data, out.len, kind, &again, &err) < 0 ||
			    again.facts.macs.count != request.facts.macs.count)
				abort();
			enrol_request_destroy(&again);
		}
		enrol_request_destroy(&request);
	}
	strbuf_destroy(&out);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct enrol_answer answer;
	struct enrol_ticket ticket;
	struct err err = ERR_INIT;
	check_request(text, size, ENROL_ENROLL);
	check_request(text, size, ENROL_PRESEED);
	if (enrol_answer_parse(text, size, "answer", &answer, &err) == 0)
		enrol_answer_destroy(&answer);
	err_clear(&err);
	if (enrol_ticket_parse(text, size, "ticket", &ticket, &err) == 0 &&
	    !enrol_token_is_valid(ticket.token))
		abort();
	enrol_ticket_destroy(&ticket);
	err_clear(&err);
	return 0;
}
