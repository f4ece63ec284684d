/** Every command that udo sends or has in a script; what a Redis user that is udo's alone must be allowed, and no more. */
export const neededCommands = [
	...["append", "del", "exists", "get", "incr", "mget", "pexpire", "set", "time"],
	...["hdel", "hexists", "hget", "hgetall", "hincrby", "hkeys", "hlen", "hmget", "hset"],
	...["sadd", "smembers", "srem"],
	...[
		"zadd",
		"zcard",
		"zrange",
		"zrangebylex",
		"zrangebyscore",
		"zrem",
		"zremrangebyrank",
		"zremrangebyscore",
		"zscore",
	],
	...["xadd", "xrange", "xrevrange"],
	...["publish", "subscribe", "unsubscribe"],
	...["eval", "evalsha", "info", "ping", "select", "wait"],
] as const;

/** The rights as `ACL SETUSER` takes them. */
export const neededRights = ["~udo:*", "&udo:*", ...neededCommands.map((command) => `+${command}`)].join(" ");
