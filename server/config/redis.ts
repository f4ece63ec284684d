import { isAbsolute } from "node:path";
import { showText } from "../coordination/describe.ts";
import { UdoError } from "../errors.ts";
import { type RedisSettings, type RedisTls, type Secret, showServer, type Topology } from "../store/redis/settings.ts";
import { invalid, type Named, type Place, readText, type ShownSetting, wholeNumber } from "./place.ts";
import { type NamedServer, namedServer } from "./redis-address.ts";
import {
	passwordIn,
	passwordSetting,
	refuseSecrets,
	sentinelPasswordIn,
	sentinelPasswordSetting,
} from "./redis-password.ts";

/**
 * Where the team's Redis is, from the first place that names a server: the environment, the project's committed file, the user's
 * file; undefined when none does. A password comes from the environment, the user's file or a file that one of them names, and
 * only goes to a server that they name too, since anybody can commit an address. `shown` never has a password in it. Throws
 * UdoError `config_invalid` that names the wrong value.
 */
export function resolveRedis(places: readonly Place[]): {
	readonly settings: RedisSettings | undefined;
	readonly shown: readonly ShownSetting[];
} {
	for (const place of places) if (isCommitted(place)) refuseSecrets(place);
	const [home, server] = first(places, (place) => namedServer(place)) ?? [];
	if (home === undefined || server === undefined) return { settings: undefined, shown: [] };
	// What is committed only counts for the server that is committed with it: a certificate authority least of all for another.
	const counting = places.filter((place) => place === home || !isCommitted(place));
	const own = [...counting].sort((a, b) => Number(isCommitted(a)) - Number(isCommitted(b)));
	const url = (place: Place) => (place === home ? server.url : undefined);

	const db = first(counting, (place) => wholeNumber(place, dbSetting, 0, 65_535) ?? url(place)?.db);
	const username = first(own, (place) => textIn(place, usernameSetting) ?? url(place)?.username);
	const password = first(own, (place) => passwordIn(place) ?? url(place)?.password);
	const sentinelPassword = first(own, (place) => sentinelPasswordIn(place));
	const tls = first(own, (place) => tlsIn(place, url(place)?.isEncrypted));

	if (isCommitted(home) && (password !== undefined || sentinelPassword !== undefined)) requireOwn(home, server, places);
	if (server.topology.kind === "cluster" && db !== undefined && db[1] !== 0)
		throw invalid(db[0].name(dbSetting), db[1], "0, the only database of a cluster", db[0].next(dbSetting));
	if (tls !== undefined && tls[1] !== "off" && isUnixSocket(server.topology))
		throw invalid(tls[0].name(tlsSetting), "on", "off, as it is for a unix socket", tls[0].next(tlsSetting));
	const settings: RedisSettings = {
		topology: withPassword(server.topology, sentinelPassword?.[1]),
		db: db?.[1] ?? 0,
		username: username?.[1],
		password: password?.[1],
		tls: tls?.[1] === "off" ? undefined : tls?.[1],
	};
	return {
		settings,
		shown: [
			shown(server.setting, [home, showServer(server.topology)], kinds[server.topology.kind]),
			shown(dbSetting, db, "its database", "0"),
			...(username === undefined ? [] : [shown(usernameSetting, username, "who udo is there")]),
			...(password === undefined ? [] : [shown(passwordSetting, password, "its password")]),
			...(sentinelPassword === undefined
				? []
				: [shown(sentinelPasswordSetting, sentinelPassword, "the password of its sentinels")]),
			...(tls === undefined ? [] : [shown(tlsSetting, [tls[0], tlsWord(tls[1])], "encryption")]),
		],
	};
}

const dbSetting = { key: "redis.db", variable: "REDIS_DB" };
const usernameSetting = { key: "redis.username", variable: "REDIS_USERNAME" };
const tlsSetting = { key: "redis.tls", variable: "REDIS_TLS" };
const tlsCaSetting = { key: "redis.tlsCa", variable: "REDIS_TLS_CA" };

const kinds: Readonly<Record<Topology["kind"], string>> = {
	standalone: "the team's Redis",
	sentinel: "the team's Redis, by its sentinels",
	cluster: "the team's Redis, a cluster",
};

type Found<Value> = readonly [Place, Value];

function first<Value>(places: readonly Place[], read: (place: Place) => Value | undefined): Found<Value> | undefined {
	for (const place of places) {
		const value = read(place);
		if (value !== undefined) return [place, value];
	}
	return undefined;
}

function isCommitted(place: Place): boolean {
	return place.source === "udo.config.json";
}

// A repository that somebody sends could name their own server and wait for passwords.
function requireOwn(home: Place, server: NamedServer, places: readonly Place[]): void {
	const wanted = showServer(server.topology);
	const isOwn = places.some((place) => {
		const named = isCommitted(place) ? undefined : namedServer(place);
		return named !== undefined && showServer(named.topology) === wanted;
	});
	if (isOwn) return;
	throw new UdoError(`${showText(home.name(server.setting))} wants your password sent to ${showText(wanted, 120)}`, {
		code: "config_invalid",
		why: "anybody can commit an address: yours must be named where the password is, in the environment or your own config.json.",
		next: `export ${server.setting.variable}=…, or unset ${passwordSetting.variable}`,
	});
}

function isUnixSocket(topology: Topology): boolean {
	return topology.kind === "standalone" && topology.address.kind === "unix";
}

function withPassword(topology: Topology, password: Secret | undefined): Topology {
	return topology.kind === "sentinel" ? { ...topology, password } : topology;
}

function textIn(place: Place, setting: Named): string | undefined {
	const raw = place.raw(setting);
	if (raw === undefined || (typeof raw === "string" && !/\s/.test(raw))) return raw;
	throw invalid(place.name(setting), raw, "a name", place.next(setting));
}

// An authority alone, or rediss://, means encryption too.
function tlsIn(place: Place, isEncrypted: boolean | undefined): RedisTls | "off" | undefined {
	const ca = caIn(place);
	const flag = flagIn(place, tlsSetting);
	if (flag === false && isEncrypted !== true) return "off";
	return flag === true || isEncrypted === true || ca !== undefined ? { ca } : undefined;
}

function caIn(place: Place): RedisTls["ca"] {
	const path = place.raw(tlsCaSetting);
	if (path === undefined) return undefined;
	if (typeof path !== "string" || !isAbsolute(path))
		throw invalid(place.name(tlsCaSetting), path, "the whole path of a PEM file", place.next(tlsCaSetting));
	const pem = readText(path, place.name(tlsCaSetting));
	if (pem.includes("-----BEGIN CERTIFICATE-----")) return { path, pem };
	throw invalid(place.name(tlsCaSetting), path, "a PEM file with certificates", place.next(tlsCaSetting));
}

function flagIn(place: Place, setting: Named): boolean | undefined {
	const raw = place.raw(setting);
	if (raw === undefined) return undefined;
	if (raw === true || raw === "1" || raw === "true") return true;
	if (raw === false || raw === "0" || raw === "false") return false;
	throw invalid(place.name(setting), raw, "1 or 0", place.next(setting));
}

function tlsWord(tls: RedisTls | "off"): string {
	if (tls === "off") return "off";
	return tls.ca === undefined ? "on, the system's authorities" : `on, authorities in ${tls.ca.path}`;
}

function shown(setting: Named, found: Found<unknown> | undefined, meaning: string, fallback = ""): ShownSetting {
	return {
		...setting,
		unit: "text",
		value: found === undefined ? fallback : showText(String(found[1]), 200),
		source: found?.[0].source ?? "default",
		meaning,
	};
}
