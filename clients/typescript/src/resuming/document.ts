// What a subscription's document must have so that it can be resumed.

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
} from 'graphql';

import { NotResumableError } from '../errors.ts';

/** A subscription that can be resumed after the cursor of its last event. */
export interface ResumableDocument {
  readonly text: string;
  /** The name of the variable for the root field's argument `after`. */
  readonly afterVariable: string;
  /** The response keys of the root field and of its cursor. */
  readonly rootKey: string;
  readonly cursorKey: string;
}

/** Reads a document. Throws NotResumableError, and GraphQLError for a syntax error. */
export function readResumable(query: string | DocumentNode, operationName?: string | null): ResumableDocument {
  const document = typeof query === 'string' ? parse(query) : query;
  const operation = subscriptionOf(document, operationName);
  const root = fieldsOf(operation.selectionSet, document)[0];
  const after = root?.arguments?.find((argument) => argument.name.value === 'after')?.value;
  if (root === undefined || after?.kind !== Kind.VARIABLE) {
    throw new NotResumableError(
      `${nameOf(operation)} cannot be resumed: declare a variable, as in \`subscription ($after: String)\`, ` +
        'and pass it to the field as `after: $after`.',
    );
  }
  const cursor = fieldsOf(root.selectionSet, document).find((field) => field.name.value === 'cursor');
  if (cursor === undefined) {
    throw new NotResumableError(
      `${nameOf(operation)} cannot be resumed: select \`cursor\` in \`${root.name.value}\`, without @skip or @include.`,
    );
  }
  return {
    text: typeof query === 'string' ? query : print(query),
    afterVariable: after.name.value,
    rootKey: keyOf(root),
    cursorKey: keyOf(cursor),
  };
}

function subscriptionOf(document: DocumentNode, operationName?: string | null): OperationDefinitionNode {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const named = operationName ? operations.filter((node) => node.name?.value === operationName) : operations;
  const [operation] = named;
  if (operation?.operation !== 'subscription' || named.length > 1) {
    throw new NotResumableError('The document must have one subscription, or `operationName` must name one.');
  }
  return operation;
}

/** The fields of a selection that are always included, those of its fragments too. */
function fieldsOf(selection: SelectionSetNode | undefined, document: DocumentNode): FieldNode[] {
  const always = selection?.selections.filter((node) => !node.directives?.length) ?? [];
  return always.flatMap((node) => {
    if (node.kind === Kind.FIELD) {
      return [node];
    }
    const inner = node.kind === Kind.INLINE_FRAGMENT ? node : fragmentOf(node.name.value, document);
    return fieldsOf(inner?.selectionSet, document);
  });
}

function fragmentOf(name: string, document: DocumentNode): FragmentDefinitionNode | undefined {
  return document.definitions
    .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
    .find((node) => node.name.value === name);
}

function keyOf(field: FieldNode): string {
  return (field.alias ?? field.name).value;
}

function nameOf(operation: OperationDefinitionNode): string {
  return `The subscription ${operation.name?.value ?? 'without a name'}`;
}
