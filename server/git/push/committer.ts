import { UdoError } from "../../errors.ts";
import type { Plumbing } from "../plumbing.ts";
import type { Settings } from "../settings.ts";

/** Who commits here, and now: `Name <mail> 1700000000 +0100`. Throws UdoError `identity_missing`. */
export async function committerIdentity(
	git: Plumbing,
	settings: Settings,
	environment: NodeJS.ProcessEnv,
): Promise<string> {
	const [name = "", email = ""] = [settings.get("user.name"), settings.get("user.email")];
	const isSpecial =
		Object.keys(environment).some((key) => key.startsWith("GIT_COMMITTER_")) ||
		settings.keys().some((key) => key.startsWith("committer."));
	// The rest git cleans in its own way.
	if (isSpecial || !plainName.test(name) || !plainEmail.test(email)) {
		const { code, stdout } = await git.run(["var", "GIT_COMMITTER_IDENT"]);
		if (code === 0) return stdout.toString().trim();
		throw new UdoError("git does not know who you are", {
			code: "identity_missing",
			why: "whoever replays commits signs as their committer.",
			next: "git config user.name NAME; git config user.email MAIL",
		});
	}
	const now = new Date();
	const offset = -now.getTimezoneOffset();
	const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
	const minutes = String(Math.abs(offset) % 60).padStart(2, "0");
	return `${name} <${email}> ${Math.floor(now.getTime() / 1000)} ${offset < 0 ? "-" : "+"}${hours}${minutes}`;
}

const plainName = /^[\p{L}\d]([\p{L}\d .-]*[\p{L}\d])?$/u;
const plainEmail = /^\w[\w.+-]*@[\w.-]*\w$/;
