import acquire from "./lua/acquire.lua";
import amendConflict from "./lua/amend-conflict.lua";
import append from "./lua/append.lua";
import beat from "./lua/beat.lua";
import blockers from "./lua/blockers.lua";
import cancel from "./lua/cancel.lua";
import closeSessions from "./lua/close-sessions.lua";
import guard from "./lua/guard.lua";
import heldBy from "./lua/held-by.lua";
import holds from "./lua/holds.lua";
import join from "./lua/join.lua";
import log from "./lua/log.lua";
import openSession from "./lua/open-session.lua";
import part from "./lua/part.lua";
import peek from "./lua/peek.lua";
import project from "./lua/project.lua";
import promote from "./lua/promote.lua";
import queue from "./lua/queue.lua";
import readConflicts from "./lua/read-conflicts.lua";
import readExclusives from "./lua/read-exclusives.lua";
import readPresence from "./lua/read-presence.lua";
import readRequests from "./lua/read-requests.lua";
import readSessions from "./lua/read-sessions.lua";
import release from "./lua/release.lua";
import releaseClaims from "./lua/release-claims.lua";
import remember from "./lua/remember.lua";
import renew from "./lua/renew.lua";
import renewClaims from "./lua/renew-claims.lua";
import reportConflict from "./lua/report-conflict.lua";
import requests from "./lua/requests.lua";
import resolveConflict from "./lua/resolve-conflict.lua";
import resources from "./lua/resources.lua";
import serve from "./lua/serve.lua";
import sessions from "./lua/sessions.lua";
import setPresence from "./lua/set-presence.lua";
import settle from "./lua/settle.lua";
import standExclusive from "./lua/stand-exclusive.lua";
import texts from "./lua/texts.lua";

// Each part may use those before it. They are built anew at every call, so a script has no more of them than it needs.
const record = [project, log];
const look = [project, guard, requests];
const change = [project, guard, resources, log, requests, holds, queue];
const judge = [...change, blockers];
const end = [project, resources, log, requests, holds, queue, sessions];

/** Every step of the store as the text of one script. */
export const scripts = {
	acquire: script(judge, acquire),
	amendConflict: script([...record, texts], amendConflict),
	append: script(record, append),
	beat: script(look, beat),
	cancel: script(change, cancel),
	closeSessions: script([project, guard, ...end.slice(1)], closeSessions),
	heldBy: script([project, requests], heldBy),
	join: script([project, requests], join),
	openSession: script([project, guard, log, requests], openSession),
	part: script(judge, part),
	peek: script(look, peek),
	promote: script(change, promote),
	readConflicts: script([project], readConflicts),
	readExclusives: script(look, readExclusives),
	readPresence: script([project, guard], readPresence),
	readRequests: script(change, readRequests),
	readSessions: script([project, guard], readSessions),
	release: script(change, release),
	releaseClaims: script(change, releaseClaims),
	remember: script([project], remember),
	renew: script(look, renew),
	renewClaims: script(look, renewClaims),
	reportConflict: script([...record, texts], reportConflict),
	resolveConflict: script(record, resolveConflict),
	serve: script(change, serve),
	setPresence: script([project, guard, log], setPresence),
	settle: script(end, settle),
	standExclusive: script(judge, standExclusive),
} as const;

export type ScriptName = keyof typeof scripts;

function script(parts: readonly string[], own: string): string {
	return [...parts, own].join("\n");
}
