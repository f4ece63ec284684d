import { showText } from "../../coordination/describe.ts";
import { codeOf, StoreUnavailableError } from "../../errors.ts";
import { shellWord } from "../../shell-word.ts";
import { neededRights } from "./rights.ts";
import type { RedisSettings, Secret } from "./settings.ts";

/** The connection ended, or could not be made, for a reason of our own; what the system or Redis says has its own errors. */
export class LinkError extends Error {
	override readonly name = "LinkError";
	readonly kind: "timeout" | "closed" | "refused" | "no-master" | "unconfirmed";

	constructor(kind: LinkError["kind"], message: string) {
		super(message);
		this.kind = kind;
	}
}

/** Whom a failure is about: the settings, and how the server is called for people. */
export interface Accused {
	readonly settings: RedisSettings;
	readonly server: string;
}

/**
 * What a failure means to a person: a StoreUnavailableError with why and the next command. A bug, such as an error in a Lua
 * script, stays a plain error. Never has a secret in it: ioredis keeps the arguments of AUTH in its errors, so none is kept as cause.
 */
export function explainFailure(error: unknown, accused: Accused): Error {
	if (error instanceof StoreUnavailableError) return error;
	const { code, message: spoken } = spokenBy(error);
	const message = without(accused.settings, spoken);
	const meaning = meanings.find(({ pattern }) => pattern.test(code) || pattern.test(spoken));
	if (meaning === undefined) return clean(message, error);
	const { what, why, next, isLasting } = meaning.explain(message, accused);
	return new StoreUnavailableError(`Redis ${showText(accused.server, 200)} ${what}`, {
		why,
		next,
		retryable: isLasting !== true,
		cause: clean(message, undefined),
	});
}

interface Explanation {
	readonly what: string;
	readonly why: string;
	readonly next: string;
	/** It does not pass without somebody changing something. */
	readonly isLasting?: boolean;
}

interface Meaning {
	/** Matches the code (ECONNREFUSED, READONLY …) or the message. */
	readonly pattern: RegExp;
	readonly explain: (message: string, accused: Accused) => Explanation;
}

const doctor = "udo doctor";

const meanings: readonly Meaning[] = [
	{
		pattern: /^ECONNREFUSED$/,
		explain: () => ({ what: "is away", why: "connection refused: nothing listens there.", next: doctor }),
	},
	{
		pattern: /^(ENOTFOUND|EAI_\w+)$/,
		explain: () => ({ what: "is away", why: "no such host name, or the name server does not answer.", next: doctor }),
	},
	{
		pattern: /^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
		explain: () => ({ what: "is away", why: "no way to that host from here.", next: doctor }),
	},
	{
		pattern: /^ENOENT$/,
		explain: () => ({ what: "is away", why: "there is no such socket.", next: doctor }),
	},
	{
		pattern: /^(EACCES|EPERM)$/,
		explain: () => ({
			what: "cannot be reached",
			why: "the system does not let you connect.",
			next: doctor,
			isLasting: true,
		}),
	},
	{
		pattern: /^(EMFILE|ENFILE|ENOBUFS)$/,
		explain: () => ({ what: "cannot be reached", why: "too many open files here.", next: "ulimit -n" }),
	},
	{
		pattern: /^(timeout|ETIMEDOUT)$/,
		explain: (message) => ({ what: "is away", why: `${lower(message)}.`, next: doctor }),
	},
	{
		pattern: /^no-master$/,
		explain: (message) => ({ what: "is away", why: `${lower(message)}.`, next: doctor }),
	},
	{
		pattern: /^WRONGTYPE/,
		explain: () => ({
			what: "has other data under udo's names",
			why: "somebody else writes keys that begin with udo:, or they are damaged.",
			next: doctor,
			isLasting: true,
		}),
	},
	{
		pattern: /^unconfirmed$/,
		explain: (message) => ({ what: "did not confirm", why: `${lower(message)}.`, next: doctor }),
	},
	{
		pattern:
			/^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT\w*)$/,
		explain: () => ({
			what: "is not trusted",
			why: "its certificate was signed by an authority that is not known here.",
			next: "export REDIS_TLS_CA=/path/to/ca.pem",
			isLasting: true,
		}),
	},
	{
		pattern: /^(ERR_TLS_CERT_ALTNAME_INVALID|CERT_\w+)$/,
		explain: (message) => ({
			what: "is not trusted",
			why: `its certificate is not valid: ${message}.`,
			next: doctor,
			isLasting: true,
		}),
	},
	{
		pattern: /^(ERR_SSL_\w+|EPROTO)$/,
		explain: (message, { settings }) => ({
			what: "cannot be reached",
			why: `TLS failed: ${/certificate.required/i.test(message) ? "it wants a client certificate, which udo does not have (tls-auth-clients)" : "there it may not speak TLS"}.`,
			next: settings.tls === undefined ? doctor : "unset REDIS_TLS, or use the port that speaks TLS",
			isLasting: true,
		}),
	},
	{
		pattern: /^(WRONGPASS)$|invalid password/,
		explain: (_, { settings }) => ({
			what: "refused the password",
			why: `user ${showText(settings.username ?? "default", 60)} has another one, or is not known there.`,
			next: "export REDIS_USERNAME=… REDIS_PASSWORD_FILE=…",
			isLasting: true,
		}),
	},
	{
		pattern: /^NOAUTH$/,
		explain: () => ({
			what: "wants a password",
			why: "none is set here.",
			next: "export REDIS_PASSWORD_FILE=/path/to/a/file",
			isLasting: true,
		}),
	},
	{
		// Of a command in a script Redis does not say which it was, so all that are needed are granted.
		pattern: /^NOPERM$|^The user executing the script can't/,
		explain: (message, { settings }) => {
			const user = showText(settings.username ?? "default", 60);
			return {
				what: `does not give ${user} all rights that udo needs`,
				why: `${showText(message.replace(/ script: .*/, ""), 160)}.`,
				next: `redis-cli ACL SETUSER ${[user, ...neededRights.split(" ")].map(shellWord).join(" ")}`,
				isLasting: true,
			};
		},
	},
	{
		pattern: /^DENIED$/,
		explain: () => ({
			what: "refuses other machines",
			why: "it runs in protected mode: without a password it serves its own machine only.",
			next: "set a password there: redis-cli CONFIG SET requirepass …",
			isLasting: true,
		}),
	},
	{
		pattern: /^LOADING$/,
		explain: () => ({ what: "is starting", why: "it still reads its data from disk.", next: doctor }),
	},
	{
		pattern: /^BUSY$/,
		explain: () => ({ what: "is busy", why: "a script of somebody's keeps it from answering.", next: doctor }),
	},
	{
		pattern: /^(READONLY|MASTERDOWN|UNBLOCKED)$|Redis is running as a replica/,
		explain: () => ({
			what: "cannot be written",
			why: "it is a replica: a failover is under way, or the address is not the master's.",
			next: doctor,
		}),
	},
	{
		pattern: /^NOREPLICAS$/,
		explain: () => ({
			what: "cannot be written",
			why: "too few replicas are in touch with it (min-replicas-to-write).",
			next: doctor,
		}),
	},
	{
		pattern: /^(CLUSTERDOWN|TRYAGAIN|MOVED|ASK|CROSSSLOT)$|non local key/,
		explain: (message) => ({
			what: "cannot serve this project now",
			why: `the cluster is down or being rearranged: ${showText(message, 120)}.`,
			next: doctor,
		}),
	},
	{
		pattern: /^OOM$/,
		explain: () => ({
			what: "has no memory left",
			why: "its maxmemory is reached.",
			next: "redis-cli INFO memory",
		}),
	},
	{
		pattern: /^MISCONF$/,
		explain: () => ({
			what: "cannot write to its disk",
			why: "it refuses writes that it cannot save.",
			next: "redis-cli INFO persistence",
		}),
	},
	{
		pattern: /max number of clients/,
		explain: () => ({ what: "has too many clients", why: "its maxclients is reached.", next: "redis-cli CLIENT LIST" }),
	},
	{
		pattern: /DB index is out of range|SELECT is not allowed in cluster mode/,
		explain: (_, { settings }) => ({
			what: `has no database ${settings.db}`,
			why: "a cluster has database 0 only, other servers those below their `databases` setting.",
			next: "unset REDIS_DB",
			isLasting: true,
		}),
	},
	{
		pattern: /^unknown (command|subcommand)/i,
		explain: (message) => ({
			what: "is too old, or has commands renamed",
			why: `${showText(message.replace(/,? with args beginning.*/i, ""), 120)}; udo needs Redis 7.0.`,
			next: doctor,
			isLasting: true,
		}),
	},
	{
		pattern: /^(closed|ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_\w+)$|Connection is closed|isn't writeable|aborted/,
		explain: () => ({ what: "is away", why: "it closed the connection.", next: doctor }),
	},
	{
		pattern: /Unknown RESP|Please report this/,
		explain: () => ({
			what: "is no Redis",
			why: "something else answers there, or stands in between.",
			next: doctor,
			isLasting: true,
		}),
	},
	{
		pattern: /^(refused|E[A-Z]{3,}|ERR_\w+)$/,
		explain: (message) => ({ what: "cannot be reached", why: `${lower(message)}.`, next: doctor }),
	},
];

// Redis puts its code in front of the message; systems and TLS have it apart.
function spokenBy(error: unknown): { readonly code: string; readonly message: string } {
	const first = firstOf(error);
	const whole = first instanceof Error ? first.message : String(first);
	if (first instanceof LinkError) return { code: first.kind, message: whole };
	const code = codeOf(first);
	if (code !== "") return { code, message: whole };
	const spoken = /^-?([A-Z]{2,})\s+([\s\S]*)$/.exec(whole);
	return { code: spoken?.[1] ?? "", message: spoken?.[2] ?? whole };
}

// A host name with several addresses fails with all their errors at once.
function firstOf(error: unknown): unknown {
	return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

// A server before Redis 6 repeats an AUTH that it does not understand, password and all.
function without(settings: RedisSettings, text: string): string {
	const sentinelPassword = settings.topology.kind === "sentinel" ? settings.topology.password : undefined;
	return [settings.password, sentinelPassword].reduce(hide, text);
}

function hide(text: string, secret: Secret | undefined): string {
	const word = secret?.reveal();
	return word === undefined || word === "" ? text : text.replaceAll(word, "(password)");
}

function clean(message: string, error: unknown): Error {
	const copy = new Error(message);
	if (error instanceof Error && error.stack !== undefined)
		copy.stack = `${copy.name}: ${message}\n${error.stack.split("\n").slice(1).join("\n")}`;
	return copy;
}

function lower(text: string): string {
	return showText(text.charAt(0).toLowerCase() + text.slice(1), 160);
}
