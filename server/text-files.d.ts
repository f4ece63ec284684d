// Imported as text: by esbuild through its text loader, by vitest through the plugin in test/vitest.config.ts.
declare module "*.sql" {
	const text: string;
	export default text;
}
declare module "*.sh" {
	const text: string;
	export default text;
}
declare module "*.lua" {
	const text: string;
	export default text;
}
