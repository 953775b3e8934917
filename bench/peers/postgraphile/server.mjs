// PostGraphile as its documentation starts it: the Amber preset over node:http, nothing else.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { grafserv } from "postgraphile/grafserv/node";
import { makePgService } from "postgraphile/adaptors/pg";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.PURSER_DATABASE_URL,
      schemas: ["public"],
      pubsub: false,
      poolConfig: { max: 8 },
    }),
  ],
  grafserv: { port: Number(process.env.PORT), watch: false, graphiql: false, websockets: false },
  grafast: { explain: false },
  gather: { installWatchFixtures: false },
};
const pgl = postgraphile(preset);
const serv = pgl.createServ(grafserv);
const server = createServer();
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
serv.addTo(server).then(() => server.listen(Number(process.env.PORT), "127.0.0.1"));
