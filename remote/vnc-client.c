/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer made with libvncclient, for the tests:   vnc-client HOST PORT CODE [SECONDS]
 * Exit 0 once the whole screen has come, and is not black, or so much later; prints its
 * size and a pixel of it, RRGGBB: not the one in the middle, where the pointer is. */
#include <rfb/rfbclient.h>
#include <stdio.h>

#include "common/util.h"

static const char *code;

static char *give_password(rfbClient *client)
{
	return xstrdup(code); /* libvncclient frees it */
}

static int updates;

static void on_update(rfbClient *client, int x, int y, int w, int h)
{
	updates += w * h;
}

int main(int argc, char **argv)
{
	if (argc != 4 && argc != 5)
		return 2;
	rfbClient *client = rfbGetClient(8, 3, 4);
	client->GetPassword = give_password;
	client->GotFrameBufferUpdate = on_update;
	client->serverHost = xstrdup(argv[1]);
	client->serverPort = (int)strtol(argv[2], NULL, 10);
	code = argv[3];
	if (!rfbInitClient(client, NULL, NULL))
		return 1;
	int64_t end_ms = monotonic_ms() + 10000;
	int64_t look_ms = argc == 5 ? monotonic_ms() + 1000 * strtol(argv[4], NULL, 10) : 0;
	uint32_t pixel = 0;
	while ((monotonic_ms() < look_ms || updates < client->width * client->height || pixel == 0) &&
	       monotonic_ms() < end_ms) {
		const uint32_t *pixels = (const uint32_t *)(const void *)client->frameBuffer;
		int ready = WaitForMessage(client, 100000);
		if (ready < 0 || (ready > 0 && !HandleRFBServerMessage(client)))
			break;
		pixel = pixels[client->height / 4 * client->width + client->width / 4];
	}
	printf("%dx%d %02x%02x%02x\n", client->width, client->height, pixel & 0xff,
	       pixel >> 8 & 0xff, pixel >> 16 & 0xff);
	bool whole = updates >= client->width * client->height;
	rfbClientCleanup(client);
	return whole ? 0 : 1;
}
