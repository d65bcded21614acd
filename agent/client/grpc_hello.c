/* SPDX-License-Identifier: Apache-2.0 */
#include "client/grpc_hello.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/cleanup.h"

/* RFC 9113, 3.4: preface and empty settings there, settings back. */
static int shake_hands(int fd)
{
	static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				    "\0\0\0\4\0\0\0\0";
	static const uint8_t settings_frame = 4;
	uint8_t frame[9];

	/* the literal's own NUL is the last byte of the settings frame */
	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
		return -EPROTO;
	ssize_t size = recv(fd, frame, sizeof(frame), MSG_WAITALL);

	if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -ETIMEDOUT;
	return size == sizeof(frame) && frame[3] == settings_frame ? 0 : -EPROTO;
}

int grpc_hello(const char *path, uint32_t timeout_ms)
{
	const struct timeval patience = {.tv_sec = timeout_ms / 1000,
					 .tv_usec = timeout_ms % 1000 * 1000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	/* before connect(), which waits where the backlog is full */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return shake_hands(fd);
}
