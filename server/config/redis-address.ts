import { isAbsolute } from "node:path";
import { showText } from "../coordination/describe.ts";
import { UdoError } from "../errors.ts";
import { type Address, Secret, type TcpAddress, type Topology } from "../store/redis/settings.ts";
import { invalid, type Named, type Place, wholeNumber } from "./place.ts";

/** The server that one place names. */
export interface NamedServer {
	readonly topology: Topology;
	/** The setting that names it. */
	readonly setting: Named;
	/** What else a URL says. */
	readonly url: UrlExtras | undefined;
}

interface UrlExtras {
	readonly db: number | undefined;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	readonly isEncrypted: boolean;
}

export const urlSetting = { key: "redis.url", variable: "REDIS_URL" };
const host = { key: "redis.host", variable: "REDIS_HOST" };
const port = { key: "redis.port", variable: "REDIS_PORT" };
const sentinels = { key: "redis.sentinels", variable: "REDIS_SENTINELS" };
const sentinelName = { key: "redis.sentinelName", variable: "REDIS_SENTINEL_NAME" };
const cluster = { key: "redis.cluster", variable: "REDIS_CLUSTER" };

/** The server that a place names, if it does: by URL, host and port, sentinels or nodes of a cluster. A port alone means here. */
export function namedServer(place: Place): NamedServer | undefined {
	const [setting, other] = [urlSetting, host, sentinels, cluster].filter((each) => place.raw(each) !== undefined);
	if (setting !== undefined && other !== undefined) {
		throw new UdoError(`${showText(place.name(setting))} and ${showText(place.name(other))} both name a Redis`, {
			code: "config_invalid",
			why: "udo does not guess which one is meant.",
			next: place.next(other),
		});
	}
	switch (setting) {
		case urlSetting: {
			const { address, ...url } = parseUrl(place);
			return { setting, url, topology: { kind: "standalone", address } };
		}
		case sentinels: {
			const name = place.raw(sentinelName);
			if (typeof name !== "string")
				throw invalid(
					place.name(sentinelName),
					name,
					"the name of the master that the sentinels watch",
					place.next(setting),
				);
			const topology = {
				kind: "sentinel",
				name,
				sentinels: serversIn(place, setting, 26_379),
				password: undefined,
			} as const;
			return { setting, url: undefined, topology };
		}
		case cluster:
			return { setting, url: undefined, topology: { kind: "cluster", nodes: serversIn(place, setting, 6379) } };
		case host:
			return { setting, url: undefined, topology: { kind: "standalone", address: hostAndPort(place) } };
		default:
			if (place.raw(port) === undefined) return undefined;
			return { setting: port, url: undefined, topology: { kind: "standalone", address: hostAndPort(place) } };
	}
}

function hostAndPort(place: Place): TcpAddress {
	const name = place.raw(host) ?? "localhost";
	if (typeof name !== "string" || !isHost(name))
		throw invalid(place.name(host), name, "a host name or an address", place.next(host));
	return { kind: "tcp", host: bare(name), port: wholeNumber(place, port, 1, 65_535) ?? 6379 };
}

function serversIn(place: Place, setting: Named, defaultPort: number): readonly TcpAddress[] {
	const raw = place.raw(setting);
	const wrong = () => invalid(place.name(setting), raw, "host:port,host:port", place.next(setting));
	const words = typeof raw === "string" ? raw.split(",") : raw;
	if (!Array.isArray(words) || words.length === 0) throw wrong();
	return words.map((word: unknown) => {
		const [, name, digits] = (typeof word === "string" && /^\s*(\[[^\]]+\]|[^:\s]+)(?::(\d+))?\s*$/.exec(word)) || [];
		const portNumber = digits === undefined ? defaultPort : Number(digits);
		if (name === undefined || !isHost(name) || portNumber < 1 || portNumber > 65_535) throw wrong();
		return { kind: "tcp", host: bare(name), port: portNumber };
	});
}

// `new URL` is not asked about unix sockets: it refuses a user without a host.
function parseUrl(place: Place): UrlExtras & { readonly address: Address } {
	const raw = place.raw(urlSetting);
	const form = "redis://host:port, rediss://host:port or unix:///path";
	const wrong = () =>
		invalid(place.name(urlSetting), typeof raw === "string" ? withoutLogin(raw) : raw, form, place.next(urlSetting));
	const parts = typeof raw === "string" ? urlForm.exec(raw)?.groups : undefined;
	if (parts === undefined) throw wrong();
	const { scheme, user, password, authority = "", path = "", db } = parts;
	const login = {
		username: user === undefined || user === "" ? undefined : decoded(user, wrong),
		password: password === undefined || password === "" ? undefined : new Secret(decoded(password, wrong)),
	};
	if (scheme === "unix" || scheme === "redis+unix") {
		const socket = decoded(path, wrong);
		if (authority !== "" || !isAbsolute(socket) || socket === "/") throw wrong();
		const number = db === undefined ? undefined : Number(db);
		return { ...login, address: { kind: "unix", path: socket }, db: number, isEncrypted: false };
	}
	const [, name, digits] = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? [];
	const portNumber = digits === undefined ? 6379 : Number(digits);
	const number = /^\/(\d*)$/.exec(path === "" ? "/" : path)?.[1];
	if (name === undefined || !isHost(name) || portNumber < 1 || portNumber > 65_535) throw wrong();
	if (number === undefined || (db !== undefined && number !== "")) throw wrong();
	const inPath = number === "" ? db : number;
	return {
		...login,
		address: { kind: "tcp", host: bare(name), port: portNumber },
		db: inPath === undefined ? undefined : Number(inPath),
		isEncrypted: scheme === "rediss",
	};
}

const urlForm =
	/^(?<scheme>rediss?|redis\+unix|unix):\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<authority>[^/?@]*)(?<path>\/[^?#]*)?(?:\?db=(?<db>\d{1,5}))?$/;

// Whatever stands before the last @ may be a password that was not escaped.
function withoutLogin(url: string): string {
	return url.replace(/\/\/[\s\S]*@/, "//(login)@");
}

function decoded(text: string, wrong: () => UdoError): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw wrong();
	}
}

function isHost(name: string): boolean {
	return /^(\[[0-9A-Fa-f:.%\w]+\]|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+|[\w.-]+)$/.test(name);
}

function bare(name: string): string {
	return name.replace(/^\[|\]$/g, "");
}
