import acquire from "./lua/acquire.lua";
import append from "./lua/append.lua";
import beat from "./lua/beat.lua";
import blockers from "./lua/blockers.lua";
import cancel from "./lua/cancel.lua";
import closeSessions from "./lua/close-sessions.lua";
import heldBy from "./lua/held-by.lua";
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

const everyStep = [project, resources, log, requests, queue, sessions, settle, blockers];

/** Every step of the store as the text of one script: what all share, then its own. */
export const scripts = {
	acquire: step(acquire),
	append: step(append),
	beat: step(beat),
	cancel: step(cancel),
	closeSessions: step(closeSessions),
	heldBy: step(heldBy),
	join: step(join),
	openSession: step(openSession),
	part: step(part),
	peek: step(peek),
	promote: step(promote),
	readConflicts: step(readConflicts),
	readExclusives: step(readExclusives),
	readPresence: step(readPresence),
	readRequests: step(readRequests),
	readSessions: step(readSessions),
	release: step(release),
	releaseClaims: step(releaseClaims),
	renew: step(renew),
	renewClaims: step(renewClaims),
	reportConflict: step(reportConflict),
	resolveConflict: step(resolveConflict),
	serve: step(serve),
	setPresence: step(setPresence),
	standExclusive: step(standExclusive),
} as const;

export type ScriptName = keyof typeof scripts;

function step(own: string): string {
	return [...everyStep, own].join("\n");
}
