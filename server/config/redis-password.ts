import { isAbsolute } from "node:path";
import { showText } from "../coordination/describe.ts";
import { UdoError } from "../errors.ts";
import { Secret } from "../store/redis/settings.ts";
import { invalid, type Named, type Place, readText } from "./place.ts";
import { urlSetting } from "./redis-address.ts";

export const passwordSetting = { key: "redis.password", variable: "REDIS_PASSWORD" };
export const sentinelPasswordSetting = { key: "redis.sentinelPassword", variable: "REDIS_SENTINEL_PASSWORD" };
const passwordFile = { key: "redis.passwordFile", variable: "REDIS_PASSWORD_FILE" };

// Far more than a password, far less than what a mistaken path may lead to.
const longestFile = 4096;

/** The password that a place sets, itself or by naming the file that has it. */
export function passwordIn(place: Place): Secret | undefined {
	return secretIn(place, passwordSetting) ?? fromFile(place);
}

export function sentinelPasswordIn(place: Place): Secret | undefined {
	return secretIn(place, sentinelPasswordSetting);
}

/** Throws when a committed file has a password in it, or says which file of its readers is to be sent as one. */
export function refuseSecrets(place: Place): void {
	const setting = [passwordSetting, sentinelPasswordSetting, passwordFile].find(
		(each) => place.raw(each) !== undefined,
	);
	if (setting !== undefined) throw committed(place, setting);
	const url = place.raw(urlSetting);
	if (typeof url === "string" && /\/\/[^@]*:[^@]*@/.test(url)) throw committed(place, urlSetting);
}

function committed(place: Place, setting: Named): UdoError {
	const what = setting === passwordFile ? "which file has the password" : "a password";
	return new UdoError(`${showText(place.name(setting))} says ${what}`, {
		code: "config_invalid",
		why: "everybody who has the repository has that file: take it out, change the password, and set it where only you can read it.",
		next: `${place.next(setting)}, then export REDIS_PASSWORD_FILE=/path/to/a/file`,
	});
}

function secretIn(place: Place, setting: Named): Secret | undefined {
	const raw = place.raw(setting);
	if (raw === undefined) return undefined;
	if (typeof raw === "string") return new Secret(raw);
	throw new UdoError(`${showText(place.name(setting))} is not a text`, {
		code: "config_invalid",
		next: place.next(setting),
	});
}

function fromFile(place: Place): Secret | undefined {
	const path = place.raw(passwordFile);
	if (path === undefined) return undefined;
	if (typeof path !== "string" || !isAbsolute(path))
		throw invalid(place.name(passwordFile), path, "the whole path of a file", place.next(passwordFile));
	const text = readText(path, place.name(passwordFile), "file or pipe").replace(/\r?\n$/, "");
	if (text !== "" && text.length <= longestFile && !text.includes("\n")) return new Secret(text);
	throw new UdoError(`${showText(path)} is no password file`, {
		code: "config_invalid",
		why: `${showText(place.name(passwordFile))} wants one line with the password.`,
		next: place.next(passwordFile),
	});
}
