// Generates src/generated from the schema and operations/*.graphql. `--check`: exits 1 if a file is stale.

import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operationTypes from '@graphql-codegen/typescript-operations';
import {
  buildASTSchema,
  type GraphQLFieldMap,
  type GraphQLSchema,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  parse,
} from 'graphql';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';

const PACKAGE = new URL('../', import.meta.url);
const OPERATIONS = new URL('operations/', PACKAGE);
const GENERATED = new URL('src/generated/', PACKAGE);
const PAGE_ARGUMENTS = new Set(['first', 'after', 'last', 'before']);
/** A type of which there is one object, and which has no id. */
const SINGLETONS = ['GlobalTradingState'];

/** Each scalar as JSON has it. Numbers that a double may not represent are strings. */
const SCALARS: Record<string, string> = {
  DateTime: 'string',
  Decimal: 'string',
  JSON: 'unknown',
  TimeZone: 'string',
  UUID: 'string',
};

function requireEqual(actual: string[], expected: string[], what: string): void {
  if (JSON.stringify([...actual].sort()) !== JSON.stringify([...expected].sort())) {
    throw new Error(`${what}: the schema has ${actual.join(', ')}; this script knows ${expected.join(', ')}`);
  }
}

async function operations(schema: GraphQLSchema, sdl: string): Promise<string> {
  const names = (await readdir(OPERATIONS)).sort();
  const documents = await Promise.all(
    names.map(async (location) => ({ location, document: parse(await readFile(new URL(location, OPERATIONS), 'utf8')) })),
  );
  return codegen({
    filename: 'operations.ts',
    schema: parse(sdl),
    schemaAst: schema,
    documents,
    config: {
      scalars: SCALARS,
      defaultScalarType: 'never',
      strictScalars: true,
      enumType: 'string-literal',
      immutableTypes: true,
      skipTypename: true,
      useTypeImports: true,
      optimizeDocumentNode: true,
    },
    plugins: [{ types: {} }, { documents: {} }],
    pluginMap: { types: operationTypes, documents: typedDocuments },
  });
}

type KeyArguments = Record<string, Record<string, string[]>>;

/** For each type, its fields that are Relay connections, each with the arguments that select another list. */
function connections(schema: GraphQLSchema): KeyArguments {
  const found: KeyArguments = {};
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    const fields: GraphQLFieldMap<unknown, unknown> = type.getFields();
    const lists = Object.values(fields).filter((field) => String(field.type).replace(/!$/, '').endsWith('Connection'));
    if (lists.length > 0) {
      found[type.name] = Object.fromEntries(
        lists.map((field) => [
          field.name,
          field.args.map((argument) => argument.name).filter((name) => !PAGE_ARGUMENTS.has(name)),
        ]),
      );
    }
  }
  return found;
}

function cache(schema: GraphQLSchema): string {
  const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const scalars = types.filter((type) => isScalarType(type) && !isSpecifiedScalarType(type)).map((type) => type.name);
  requireEqual(scalars, Object.keys(SCALARS), 'scalars');
  const possible = types
    .filter((type) => isInterfaceType(type) || isUnionType(type))
    .map((type) => [type.name, schema.getPossibleTypes(type).map((member) => member.name)]);
  const withoutId = types
    .filter((type) => isObjectType(type) && !roots.includes(type) && !('id' in type.getFields()))
    .map((type) => type.name);
  requireEqual(SINGLETONS.filter((name) => withoutId.includes(name)), SINGLETONS, 'singletons');
  const values: [string, string, string, unknown][] = [
    ['possibleTypes', 'Record<string, string[]>', 'The members of each interface and union.', Object.fromEntries(possible)],
    [
      'embeddedTypes',
      'string[]',
      'Object types without an id: caches store them inside the object that has them.',
      withoutId.filter((name) => !SINGLETONS.includes(name)),
    ],
    ['singletonTypes', 'string[]', 'Object types with one object, which has no id.', SINGLETONS],
    [
      'connectionFields',
      'Record<string, Record<string, string[]>>',
      'For each type, its fields that are Relay connections, each with the arguments that select another list.',
      connections(schema),
    ],
    ['scalars', 'Record<string, string>', 'The TypeScript type of each scalar, for graphql-codegen.', SCALARS],
  ];
  return values
    .map(([name, type, what, value]) => `/** ${what} */\nexport const ${name}: ${type} = ${JSON.stringify(value, null, 2)};\n`)
    .join('\n');
}

const sdl = await readFile(new URL('../../graphql_schema/schema.graphql', PACKAGE), 'utf8');
const schema = buildASTSchema(parse(sdl));
const header = '// Generated by scripts/generate.ts (`npm run generate`); do not edit.\n\n';
const files = { 'operations.ts': await operations(schema, sdl), 'cache.ts': cache(schema) };
const stale: string[] = [];
await mkdir(GENERATED, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  const path = new URL(name, GENERATED);
  const wanted = `${header}${text.trim()}\n`;
  if ((await readFile(path, 'utf8').catch(() => '')) !== wanted) {
    stale.push(name);
    if (!process.argv.includes('--check')) {
      await writeFile(path, wanted);
    }
  }
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`Stale in src/generated: ${stale.join(', ')}. Run: .venv/bin/node clients/typescript/scripts/generate.ts`);
  process.exitCode = 1;
}
