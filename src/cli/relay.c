/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rivulet relay: the arguments of rivulet-relay(1), and nothing else. */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "via/server/clients.h"
#include "via/server/serve.h"

#include <errno.h>
#include <getopt.h>

enum { FAILED = 125 };

enum {
	OPTION_LISTEN = 1,
	OPTION_PLAIN,
	OPTION_OPEN,
	OPTION_FOLDER,
	OPTION_CERTIFICATE,
	OPTION_KEY,
	OPTION_CLIENTS,
	OPTION_ALLOW,
	OPTION_DENY,
	OPTION_LIMIT,
	OPTION_LIMIT_CLIENT,
	OPTION_LOG,
	OPTION_QUIET,
	OPTION_INIT,
	OPTION_ADD,
	OPTION_CLIENT,
	OPTION_HELP
};

static const struct option options[] = {
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"plain", no_argument, NULL, OPTION_PLAIN},
	{"open", no_argument, NULL, OPTION_OPEN},
	{"folder", required_argument, NULL, OPTION_FOLDER},
	{"certificate", required_argument, NULL, OPTION_CERTIFICATE},
	{"key", required_argument, NULL, OPTION_KEY},
	{"clients", required_argument, NULL, OPTION_CLIENTS},
	{"allow", required_argument, NULL, OPTION_ALLOW},
	{"deny", required_argument, NULL, OPTION_DENY},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"limit-client", required_argument, NULL, OPTION_LIMIT_CLIENT},
	{"log", required_argument, NULL, OPTION_LOG},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"init", required_argument, NULL, OPTION_INIT},
	{"add", required_argument, NULL, OPTION_ADD},
	{"client", required_argument, NULL, OPTION_CLIENT},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

static const char usage[] =
	"Usage: rivulet relay --init HOST[:PORT] [--client NAME]\n"
	"       rivulet relay --add NAME\n"
	"       rivulet relay [OPTION]...\n"
	"Takes connections by MPTCP and goes on by TCP, for `rivulet run --via`: towards servers\n"
	"that do not speak MPTCP. Ends with Ctrl-C.\n"
	"\n"
	"  --init HOST     make a key and a certificate for this machine, which clients reach as\n"
	"                  HOST, and a first client; prints the line that it needs\n"
	"  --client NAME   the first client's name (first)\n"
	"  --add NAME      one more client; prints its line\n"
	"  --folder PATH   where all that is (/etc/rivulet/relay; not as root "
	"~/.config/rivulet/relay)\n"
	"\n"
	"  --listen PLACE  :7443 unless told; ADDRESS:PORT, [IPV6]:PORT; may be given several "
	"times\n"
	"  --plain         without TLS, for networks that are trusted\n"
	"  --open          serve everyone, known or not\n"
	"  --certificate FILE, --key FILE   instead of the folder's\n"
	"  --clients FILE  instead of the folder's\n"
	"  --allow LIST    destinations that are denied otherwise, as private ones are:\n"
	"                  10.0.0.0/8,[fd00::]/8:443\n"
	"  --deny LIST     destinations that are not served: *:25\n"
	"  --limit N       connections at once (16384)\n"
	"  --limit-client N   of them, of one client (4096)\n"
	"  --log FILE      a line of JSON for each connection (standard output)\n"
	"  --quiet         no log unless told, no notes\n"
	"\n"
	"The exit code is 0 if a signal ended it, 125 for a failure, 2 for wrong arguments.\n";

static int fail(const struct err *err, int code)
{
	fprintf(stderr, "rivulet: %s\n", err->text);
	return code;
}

static int set_limit(unsigned *ret, const char *name, const char *text, struct err *err)
{
	uint64_t limit;
	int code = units_parse_count(text, &limit, err);

	if (code < 0)
		return err_prefix(err, code, "--%s", name);
	if (limit < 1 || limit > 1000000)
		return err_set(err, -ERANGE, "--%s is between 1 and 1000000", name);
	*ret = (unsigned)limit;
	return 0;
}

static int add_door(struct server_options *server, const char *where, struct err *err)
{
	if (server->listen_count == SERVER_DOORS_MAX)
		return err_set(err, -E2BIG, "--listen can be given %d times", SERVER_DOORS_MAX);
	server->listen[server->listen_count++] = where;
	return server_check_door(where, err);
}

/* What was asked for beside the options of serving. */
struct wish {
	const char *init, *add, *client;
	bool help;
};

static int take(struct serving *serving, struct wish *wish, int option, struct err *err)
{
	switch (option) {
	case OPTION_LISTEN:
		return add_door(&serving->server, optarg, err);
	case OPTION_PLAIN:
		serving->server.plain = true;
		return 0;
	case OPTION_OPEN:
		serving->open = true;
		return 0;
	case OPTION_FOLDER:
		serving->folder = optarg;
		return 0;
	case OPTION_CERTIFICATE:
		serving->server.certificate = optarg;
		return 0;
	case OPTION_KEY:
		serving->server.key = optarg;
		return 0;
	case OPTION_CLIENTS:
		serving->clients = optarg;
		return 0;
	case OPTION_ALLOW:
		return reach_add(&serving->server.reach, optarg, true, err);
	case OPTION_DENY:
		return reach_add(&serving->server.reach, optarg, false, err);
	case OPTION_LIMIT:
		return set_limit(&serving->server.limit, "limit", optarg, err);
	case OPTION_LIMIT_CLIENT:
		return set_limit(&serving->server.client_limit, "limit-client", optarg, err);
	case OPTION_LOG:
		serving->log = optarg;
		return 0;
	case OPTION_QUIET:
		serving->quiet = true;
		return 0;
	case OPTION_INIT:
		wish->init = optarg;
		return 0;
	case OPTION_ADD:
		wish->add = optarg;
		return clients_check_name(optarg, err);
	case OPTION_CLIENT:
		wish->client = optarg;
		return clients_check_name(optarg, err);
	case OPTION_HELP:
		wish->help = true;
		return 0;
	default:
		return say_try_help("relay");
	}
}

static int make(const struct serving *serving, const struct wish *wish)
{
	struct err err = {0};
	struct join join;
	char text[JOIN_TEXT_MAX];
	int code = wish->init ? serve_init(serving->folder, wish->init, wish->client, &join, &err)
			      : serve_add(serving->folder, wish->add, &join, &err);

	if (code < 0)
		return fail(&err, FAILED);
	puts(join_text(&join, text));
	if (!serving->quiet)
		fputs("rivulet: this line is for the client, and says who it is: whoever has it "
		      "can "
		      "use the relay.\n"
		      "rivulet: there, `via: {relay: \"THE LINE\"}` in "
		      "~/.config/rivulet/config.yaml, "
		      "or `rivulet run --via 'THE LINE' -- PROGRAM`\n",
		      stderr);
	return 0;
}

int cmd_relay(int argc, char **argv)
{
	struct serving serving = {.server = {.limit = 16384, .client_limit = 4096},
				  .folder = serve_folder()};
	struct wish wish = {.client = "first"};
	struct err err = {0};
	int option, code = 0;

	while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		code = take(&serving, &wish, option, &err);
	if (code == 0 && wish.help) {
		fputs(usage, stdout);
		return 0;
	}
	if (code == USAGE)
		return USAGE;
	if (code == 0 && optind < argc)
		return say_no_option("relay", argv[optind]);
	if (code == 0 && !serving.folder)
		code = err_set(
			&err, -EINVAL,
			"where a relay's files are is not known without HOME: add --folder PATH");
	if (code == 0 && !serving.server.certificate != !serving.server.key)
		code = err_set(&err, -EINVAL, "--certificate and --key belong together");
	if (code == 0 && wish.init && wish.add)
		code = err_set(&err, -EINVAL, "--init makes a first client; --add one more");
	if (code == 0 && serving.server.listen_count == 0)
		code = add_door(&serving.server, ":" JOIN_PORT, &err);
	if (code < 0)
		return fail(&err, USAGE);
	if (wish.init || wish.add)
		return make(&serving, &wish);
	if (!serving.log && !serving.quiet)
		serving.log = "-";
	code = serve(&serving, &err);
	return code < 0 ? fail(&err, FAILED) : 0;
}
