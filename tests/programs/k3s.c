/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `k3s server` as a machine sees it from outside, without Kubernetes. Started as /usr/local/bin/k3s it becomes
 * k3s-server of the data directory; containerd is its child, and logs to a file; what K3s logs goes to its output;
 * systemd is told when the API server runs, and the kubelet's part (`cri keep`) begins then.
 *
 * Texts and their order: logs of K3s v1.30 to v1.35, and k3s-io/k3s pkg/cli/server/server.go at 005499a940ea. That the
 * kubelet waits for the runtime and the API server: k3s-io/k3s issue 11896.
 *
 * The API server is the host's: port 6443 leads to API=ADDRESS:PORT of the environment, once it runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DATA	   "/var/lib/rancher/k3s/data"
#define AGENT	   "/var/lib/rancher/k3s/agent"
#define KUBECONFIG "/etc/rancher/k3s/k3s.yaml"
#define SOCKET	   "/run/k3s/containerd/containerd.sock"
#define VERSION	   "v1.31.2+k3s1"
#define TEST	   "/usr/local/lib/nodewake-test"
/* How long the parts take that are not here. */
#define PREPARE_MS    300
#define API_SERVER_MS 4000
#define KUBELET_MS    400

static struct timespec begun;
static pid_t kubelet;

static void sleep_ms(long ms)
{
	struct timespec length = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&length, NULL);
}

static long since_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
}

/* K3s's own words: whole seconds. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char text[4096], stamp[64];
	time_t now = time(NULL);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	printf("time=\"%s\" level=info msg=\"%s\"\n", stamp, text);
	fflush(stdout);
}

/* The kubelet's. */
static void say_kubelet(const char *where, const char *text)
{
	struct timespec now;
	char stamp[64];

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(stamp, sizeof(stamp), "%m%d %H:%M:%S", gmtime(&now.tv_sec));
	printf("I%s.%06ld %7d %s] %s\n", stamp, now.tv_nsec / 1000, (int)getpid(), where, text);
	fflush(stdout);
}

static pid_t spawn(char **words, int output)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	unsetenv("NOTIFY_SOCKET");
	if (output >= 0) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
	}
	execvp(*words, words);
	perror(*words);
	_exit(127);
}

/* --- the API server -------------------------------------------------------------------------- */

static void say_api_server(void)
{
	static const char tls[] = "/var/lib/rancher/k3s/server/tls";

	/* longer than the agent reads, as K3s's is */
	say("Running kube-apiserver --advertise-port=6443 --allow-privileged=true "
	    "--anonymous-auth=false "
	    "--api-audiences=https://kubernetes.default.svc.cluster.local,k3s "
	    "--authorization-mode=Node,RBAC "
	    "--bind-address=127.0.0.1 --cert-dir=%s/temporary-certs "
	    "--client-ca-file=%s/client-ca.crt "
	    "--egress-selector-config-file=/var/lib/rancher/k3s/server/etc/"
	    "egress-selector-config.yaml "
	    "--enable-admission-plugins=NodeRestriction --enable-aggregator-routing=true "
	    "--enable-bootstrap-token-auth=true --etcd-servers=unix://kine.sock "
	    "--kubelet-certificate-authority=%s/server-ca.crt "
	    "--kubelet-client-certificate=%s/client-kube-apiserver.crt "
	    "--kubelet-client-key=%s/client-kube-apiserver.key --profiling=false "
	    "--proxy-client-cert-file=%s/client-auth-proxy.crt "
	    "--proxy-client-key-file=%s/client-auth-proxy.key "
	    "--requestheader-allowed-names=system:auth-proxy "
	    "--requestheader-client-ca-file=%s/request-header-ca.crt --secure-port=6444 "
	    "--service-account-issuer=https://kubernetes.default.svc.cluster.local "
	    "--service-cluster-ip-range=10.43.0.0/16 --service-node-port-range=30000-32767 "
	    "--storage-backend=etcd3 --tls-cert-file=%s/serving-kube-apiserver.crt "
	    "--tls-private-key-file=%s/serving-kube-apiserver.key",
	    tls, tls, tls, tls, tls, tls, tls, tls, tls, tls);
}

static bool pass(int from, int to)
{
	char block[16384];
	ssize_t size = read(from, block, sizeof(block));

	for (ssize_t done = 0, n; done < size; done += n)
		if ((n = write(to, block + done, (size_t)(size - done))) <= 0)
			return false;
	return size > 0;
}

static _Noreturn void forward(int client, const struct sockaddr_in *to)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (connect(server, (const struct sockaddr *)to, sizeof(*to)) < 0)
		_exit(1);
	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			if (ends[i].revents && !pass(ends[i].fd, ends[!i].fd))
				_exit(0);
	_exit(1);
}

/* A process of its own: the server's "threads". */
static void serve_api(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(6443),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in to = {.sin_family = AF_INET};
	char *address = strdup(getenv("API") ?: ""), *port = strchr(address, ':');
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (!port)
		return;
	*port = '\0';
	to.sin_port = htons((uint16_t)atoi(port + 1));
	inet_pton(AF_INET, address, &to.sin_addr);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 64) < 0) {
		perror("k3s: port 6443");
		exit(1);
	}
	if (fork() != 0) {
		close(listener);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_IGN);
	for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client))
		if (fork() == 0)
			forward(client, &to);
	_exit(1);
}

static void notify(const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET") ?: "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (*to.sun_path == '@')
		*to.sun_path = '\0';
	if (*path)
		sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

/* --- containerd ------------------------------------------------------------------------------ */

static pid_t start_containerd(void)
{
	static char *words[] = {"containerd",
				"-c",
				AGENT "/etc/containerd/config.toml",
				"-a",
				SOCKET,
				"--state",
				"/run/k3s/containerd",
				"--root",
				AGENT "/containerd",
				NULL};
	int log;

	mkdir(AGENT "/containerd", 0711);
	log = open(AGENT "/containerd/containerd.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		   0600);
	say("Logging containerd to %s/containerd/containerd.log", AGENT);
	say("Running containerd -c %s/etc/containerd/config.toml -a %s --state /run/k3s/containerd "
	    "--root "
	    "%s/containerd",
	    AGENT, SOCKET, AGENT);
	return spawn(words, log);
}

static bool answers(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_there = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	close(fd);
	return is_there;
}

static void wait_for_containerd(pid_t pid)
{
	for (bool first = true; !answers(); first = false) {
		if (!first)
			say("Waiting for containerd startup: rpc error: code = Unavailable desc = "
			    "connection error: "
			    "desc = \\\"transport: Error while dialing: dial unix %s: connect: no "
			    "such file or "
			    "directory\\\"",
			    SOCKET);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			exit(1);
		sleep_ms(1000);
	}
	say("containerd is now running");
}

/* --- the server ------------------------------------------------------------------------------ */

static void run_kubelet(void)
{
	static char *words[] = {TEST "/cri",
				"keep",
				"file=/etc/cast-pods",
				"log=/var/log/cast-pods.jsonl",
				"port=/dev/virtio-ports/pods",
				NULL};

	say_kubelet("server.go:484", "\"Kubelet version\" kubeletVersion=\"" VERSION "\"");
	sleep_ms(KUBELET_MS);
	say_kubelet("kubelet_node_status.go:72", "\"Attempting to register node\" node=\"vm\"");
	say_kubelet("kubelet_node_status.go:111", "\"Node was previously registered\" node=\"vm\"");
	say_kubelet("kubelet_node_status.go:75", "\"Successfully registered node\" node=\"vm\"");
	sleep_ms(KUBELET_MS);
	say_kubelet("kubelet_node_status.go:488",
		    "\"Fast updating node status as it just became ready\"");
	setenv("CRI_SOCKET", SOCKET, 1);
	kubelet = spawn(words, -1);
	setpgid(kubelet, kubelet); /* its pods' processes are of the group */
}

/* The kubelet, which is a part of it, ends first; so it does not see that containerd goes. */
static void on_term(int number)
{
	(void)number;
	if (kubelet > 0)
		kill(-kubelet, SIGKILL);
	_exit(0);
}

static int run_server(void)
{
	pid_t containerd;

	signal(SIGTERM, on_term);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	say("Starting k3s " VERSION " (6da20424)");
	sleep_ms(PREPARE_MS);
	say("Kine available at unix://kine.sock");
	say_api_server();
	say("Waiting for API server to become available");
	say("Wrote kubeconfig " KUBECONFIG);
	chmod(KUBECONFIG, 0600);
	say("Run: k3s kubectl");
	sleep_ms(PREPARE_MS);
	containerd = start_containerd();
	wait_for_containerd(containerd);
	say("Running kubelet --cloud-provider=external --config-dir=%s/etc/kubelet.conf.d "
	    "--containerd=%s --hostname-override=vm --kubeconfig=%s/kubelet.kubeconfig",
	    AGENT, SOCKET, AGENT);
	while (since_ms() < API_SERVER_MS)
		sleep_ms(10);
	serve_api();
	say("Kube API server is now running");
	say("k3s is up and running");
	notify("READY=1\n");
	run_kubelet();
	/* without containerd it ends, and systemd starts it again */
	while (waitpid(containerd, NULL, 0) < 0 && errno == EINTR)
		;
	return 1;
}

int main(int argc, char **argv)
{
	char self[256] = "";

	if (argc < 2 || strcmp(argv[1], "server") != 0) {
		fputs("k3s: a stand-in, which knows the word server only\n", stderr);
		return 2;
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 ||
	    strncmp(self, DATA "/", strlen(DATA "/")) == 0)
		return run_server();
	execv(DATA "/current/bin/k3s-server", argv);
	perror(DATA "/current/bin/k3s-server");
	return 1;
}
