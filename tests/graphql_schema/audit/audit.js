// Prints what each audit of GraphQL over HTTP says of the server at the address given: a JSON array.
import { auditServer } from "graphql-http";

const found = await auditServer({ url: process.argv[2] });
const shown = found.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
process.stdout.write(JSON.stringify(shown));
