// Copies what /docs and /redoc load, with licences, from npm's packages into rest_compat/static.
// Nothing is bundled: both packages bring one script that is complete (docs/adr/0030-libraries.md).
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const WEB = new URL("../", import.meta.url);
const STATIC = new URL("../rest_compat/static/", WEB);
const FILES = {
  "swagger-ui-bundle.js": "node_modules/swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt": "node_modules/swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  "swagger-ui.css": "node_modules/swagger-ui-dist/swagger-ui.css",
  "swagger-ui.LICENSE.txt": "node_modules/swagger-ui-dist/LICENSE",
  "swagger-ui.NOTICE.txt": "node_modules/swagger-ui-dist/NOTICE",
  "favicon-32x32.png": "node_modules/swagger-ui-dist/favicon-32x32.png",
  "swagger-start.js": "rest-pages/swagger-start.js",
  "redoc.standalone.js.LICENSE.txt": "node_modules/redoc/bundles/redoc.standalone.js.LICENSE.txt",
  "redoc.LICENSE.txt": "node_modules/redoc/LICENSE",
};
const REDOC = "node_modules/redoc/bundles/redoc.standalone.js";
// Redoc loads its maker's logo from its maker's server. An empty picture fails to load, and Redoc hides it.
const LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg";

await rm(STATIC, { recursive: true, force: true });
await mkdir(STATIC, { recursive: true });
for (const [target, source] of Object.entries(FILES)) {
  await copyFile(new URL(source, WEB), new URL(target, STATIC));
}
const redoc = await readFile(new URL(REDOC, WEB), "utf8");
if (!redoc.includes(LOGO)) {
  throw new Error(`${fileURLToPath(new URL(REDOC, WEB))} does not name ${LOGO}: check what this release loads.`);
}
// Last: make takes this file's date for that of all.
await writeFile(new URL("redoc.standalone.js", STATIC), redoc.replaceAll(LOGO, "data:,"));
