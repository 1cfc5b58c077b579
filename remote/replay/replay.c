/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <rfb/rfb.h>
#include <rfb/rfbclient.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"
#include "remote/fbs.h"
#include "remote/replay/replay.h"

enum {
	MAX_SIDE = 16384,
	MAX_MEMORY_BYTES = 2047 * 1024 * 1024,
	TICK_US = 10000,
	/* Whoever looks sees the last picture for so long. */
	EPILOGUE_MS = 3000,
};

static char client_tag;

struct replay {
	rfbClient *client;
	rfbScreenInfo *screen;
	bool had_viewer;
};

static struct replay *replay_of(rfbClient *client)
{
	return rfbClientGetClientData(client, &client_tag);
}

/* --- the picture: one memory, in the recording's pixel format, for both libraries ----------- */

static void share_memory(struct replay *replay)
{
	rfbClient *client = replay->client;
	rfbScreenInfo *screen = replay->screen;
	const rfbPixelFormat *format = &client->format;
	rfbNewFramebuffer(screen, (char *)client->frameBuffer, client->width, client->height, 8, 3,
			  format->bitsPerPixel / 8);
	screen->serverFormat = *format;
	screen->depth = format->depth;
	/* Each viewer's table leads from the old format to its own. */
	rfbClientIteratorPtr each = rfbGetClientIterator(screen);
	for (rfbClientPtr viewer; (viewer = rfbClientIteratorNext(each));)
		screen->setTranslateFunction(viewer);
	rfbReleaseClientIterator(each);
}

static rfbBool on_size(rfbClient *client)
{
	struct replay *replay = replay_of(client);
	if (client->width < 1 || client->height < 1 || client->width > MAX_SIDE || client->height > MAX_SIDE)
		return FALSE;
	uint8_t *old = client->frameBuffer;
	size_t line_bytes = (size_t)client->width * client->format.bitsPerPixel / 8;
	client->frameBuffer = xcalloc((size_t)client->height, line_bytes);
	if (replay->screen)
		share_memory(replay);
	free(old);
	return TRUE;
}

static void on_picture(rfbClient *client, int x, int y, int w, int h)
{
	const struct replay *replay = replay_of(client);
	rfbMarkRectAsModified(replay->screen, x, y, x + w, y + h);
}

static int check_format(const rfbPixelFormat *format, struct err *err)
{
	unsigned bits = format->bitsPerPixel;
	if (!format->trueColour || format->bigEndian || (bits != 8 && bits != 16 && bits != 32))
		return err_set(err, ERR_INPUT, "the recording has a pixel format that cannot be played");
	return 0;
}

/* Shake hands with the feeder, as it was when the recording began. */
static int open_client(struct replay *replay, int fd, struct err *err)
{
	rfbEnableClientLogging = FALSE;
	rfbClient *client = rfbGetClient(8, 3, 4);
	replay->client = client;
	client->canHandleNewFBSize = TRUE;
	client->MallocFrameBuffer = on_size;
	client->GotFrameBufferUpdate = on_picture;
	client->sock = fd;
	rfbClientSetClientData(client, &client_tag, replay);
	if (!InitialiseRFBConnection(client))
		return err_set(err, ERR_INPUT, "the recording does not begin as a session does");
	/* It is no server that could be asked for anything. */
	memset(client->supportedMessages.client2server, 0, sizeof(client->supportedMessages.client2server));
	client->format = client->si.format;
	client->width = client->si.framebufferWidth;
	client->height = client->si.framebufferHeight;
	if (check_format(&client->format, err) < 0)
		return -1;
	return on_size(client) ? 0 : err_set(err, ERR_INPUT, "the recording's screen has an impossible size");
}

/* --- viewers -------------------------------------------------------------------------------- */

static enum rfbNewClientAction on_viewer(rfbClientPtr viewer)
{
	struct replay *replay = viewer->screen->screenData;
	replay->had_viewer = true;
	return RFB_CLIENT_ACCEPT;
}

static int open_screen(struct replay *replay, const struct replay_conf *conf, struct err *err)
{
	rfbClient *client = replay->client;
	rfbLogEnable(0);
	rfbScreenInfo *screen = rfbGetScreen(NULL, NULL, client->width, client->height, 8, 3, 4);
	replay->screen = screen;
	screen->screenData = replay;
	screen->desktopName = client->desktopName;
	screen->frameBuffer = (char *)client->frameBuffer;
	screen->cursor = NULL; /* it is a part of the picture */
	screen->alwaysShared = TRUE;
	screen->newClientHook = on_viewer;
	screen->autoPort = FALSE;
	screen->port = conf->inetd ? 0 : conf->port;
	screen->ipv6port = 0;
	share_memory(replay);
	if (!conf->inetd && inet_pton(AF_INET, conf->address, &screen->listenInterface) != 1)
		return err_set(err, ERR_USAGE, "--listen: '%s' is no address of IPv4", conf->address);
	rfbInitServer(screen);
	if (!conf->inetd && screen->listenSock < 0)
		return err_set(err, ERR_NETWORK, "cannot listen at %s port %u; is it taken?", conf->address,
			       conf->port);
	if (conf->inetd && !rfbNewClient(screen, STDIN_FILENO))
		return err_set(err, ERR_SYSTEM, "standard input is no socket");
	return 0;
}

static bool is_watched(const struct replay *replay)
{
	return !replay->had_viewer || replay->screen->clientHead;
}

/* A second viewer's session may be as long as the first one's; so nobody is sent away. */
static int play(struct replay *replay, int fd)
{
	rfbClient *client = replay->client;
	while (!replay->had_viewer || !replay->screen->clientHead ||
	       replay->screen->clientHead->state != RFB_NORMAL) {
		rfbProcessEvents(replay->screen, TICK_US);
		if (!is_watched(replay))
			return 0;
	}
	(void)!write(fd, "", 1); /* time begins */
	while (is_watched(replay)) {
		int ready = WaitForMessage(client, TICK_US);
		if (ready < 0 || (ready > 0 && !HandleRFBServerMessage(client)))
			break;
		rfbProcessEvents(replay->screen, 0);
	}
	int64_t end_ms = monotonic_ms() + EPILOGUE_MS;
	while (is_watched(replay) && monotonic_ms() < end_ms)
		rfbProcessEvents(replay->screen, TICK_US);
	return 0;
}

/* --- its processes -------------------------------------------------------------------------- */

/* What is decoded was made by a machine that nobody vouches for. In front of a proxy nothing is needed
 * but the descriptors that are open: no file, no connection, no process. */
static void confine(const struct replay_conf *conf)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit descriptors = { 0, 0 };
	int next = dup(STDIN_FILENO);
	close(next);
	descriptors.rlim_cur = descriptors.rlim_max = (rlim_t)next;
	(void)!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)!setrlimit(RLIMIT_CORE, &none);
	(void)!setrlimit(RLIMIT_NPROC, &none);
	/* The sanitizer's shadow is more than anything of ours. */
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit memory = { MAX_MEMORY_BYTES, MAX_MEMORY_BYTES };
	(void)!setrlimit(RLIMIT_DATA, &memory);
#endif
	if (conf->inetd)
		(void)!setrlimit(RLIMIT_NOFILE, &descriptors);
}

static int start_feeder(const char *path, const struct replay_conf *conf, int *fd, struct err *err)
{
	int ends[2];
	_cleanup_fclose_ FILE *in = fopen(path, "re");
	if (!in)
		return err_sys(err, "open %s", path);
	if (fbs_read_magic(in, err) < 0)
		return err_prefix(err, "%s", path);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "make a pair of sockets");
	pid_t feeder = fork();
	if (feeder == 0) {
		close(ends[0]);
		(void)!prctl(PR_SET_PDEATHSIG, SIGKILL);
		replay_feed(in, conf, ends[1]);
	}
	close(ends[1]);
	*fd = ends[0];
	return feeder < 0 ? err_sys(err, "fork") : 0;
}

int replay_run(const char *path, const struct replay_conf *conf, struct err *err)
{
	struct replay replay = { NULL };
	int fd = -1;
	if (start_feeder(path, conf, &fd, err) < 0)
		return -1;
	confine(conf);
	int result = open_client(&replay, fd, err);
	if (result == 0)
		result = open_screen(&replay, conf, err);
	if (result == 0 && !conf->inetd)
		log_info("a viewer finds %s at %s port %u", path, conf->address, conf->port);
	if (result == 0)
		result = play(&replay, fd);
	if (replay.screen) {
		rfbShutdownServer(replay.screen, TRUE);
		replay.screen->desktopName = NULL;
		rfbScreenCleanup(replay.screen);
	}
	free(replay.client->frameBuffer);
	rfbClientCleanup(replay.client);
	return result;
}
