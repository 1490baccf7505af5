/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A contact from its first words to its end: whom it is with, and who is told. */
#include "drop/join.h"
#include "drop/node_parts.h"
#include "drop/work.h"

#include <stdio.h>
#include <string.h>

static bool met(struct contact *contact, struct tcpcl_hello *hello)
{
	struct node *node = contact->node;
	struct contact *other = node_contact(node, contact->peer);

	if (node->stopping || strcmp(contact->peer, node->identity->node) == 0)
		return false;
	/* The neighbour knows best which one is alive: it made this one. */
	if (other && other != contact)
		contact_close(other, "there is a newer one");
	store_partials(node->store, hello);
	return true;
}

static void opened(struct contact *contact)
{
	struct node *node = contact->node;

	node_say(node, NULL, "contact with '%s' (%s)", contact->peer, contact->where);
	if (node->identity->revoked)
		carry_send_revoked(node, contact);
	wants_contact(node, contact->peer, true);
	work_contact(node, contact->peer);
}

static void asked_to_join(struct contact *contact, const uint8_t *request, size_t size,
			  struct bytes *reply)
{
	struct node *node = contact->node;
	_cleanup_bytes_ struct bytes certificate = {0}, revoked = {0};
	struct join_request asked;
	struct join_reply answer = {0};
	gnutls_datum_t ca = {0};
	struct err err = {0};
	int code = join_read_request(request, size, &asked);

	if (code < 0)
		err_set(&err, code, "it asks for nothing that could be understood");
	else
		code = crowd_admit(node->identity->folder, asked.secret, asked.node, asked.request,
				   asked.request_size, &certificate, &err);
	if (code == 0 && gnutls_x509_crt_export2(node->identity->ca, GNUTLS_X509_FMT_DER, &ca) < 0)
		code = err_set(&err, -ENOMEM, "out of memory");
	if (code == 0) {
		identity_put_revoked(node->identity, &revoked);
		answer = (struct join_reply){.certificate = certificate.data,
					     .certificate_size = certificate.size,
					     .ca = ca.data,
					     .ca_size = ca.size,
					     .revoked = revoked.data,
					     .revoked_size = revoked.size};
		node_say(node, NULL, "'%s' has joined (%s)", asked.node, contact->where);
	} else {
		snprintf(answer.why, sizeof(answer.why), "%s", err.text);
		node_say(node, contact->where, "%s is not let in: %s", contact->where, err.text);
	}
	join_put_reply(reply, &answer);
	gnutls_free(ca.data);
}

static void closed(struct contact *contact, const char *why)
{
	struct node *node = contact->node;
	size_t kept = 0;

	for (struct contact **at = &node->contacts; *at; at = &(*at)->next)
		if (*at == contact) {
			*at = contact->next;
			node->contact_count--;
			break;
		}
	for (size_t i = 0; i < node->unsettled_count; i++)
		if (node->unsettled[i].contact != contact)
			node->unsettled[kept++] = node->unsettled[i];
	node->unsettled_count = kept;
	if (contact->session)
		arrive_broken_off(contact);
	if (contact->told_open)
		node_say(node, NULL, "contact with '%s' is over: %s", contact->peer, why);
	else if (why[0])
		node_say(node, contact->where, "%s%s%s: %s", contact->where,
			 contact->peer[0] ? ", " : "", contact->peer, why);
	if (contact->told_open) {
		/* What is for it may now be offered to others. */
		for (struct contact *at = node->contacts; at; at = at->next)
			at->cursor_any = 0;
		neighbours_contact_closed(node, contact->peer);
		wants_contact(node, contact->peer, false);
	}
}

const struct contact_owner meeting_owner = {
	met, opened, arrive_begins, arrive_whole, carry_settled, carry_next, asked_to_join, closed,
};
