import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { entriesIn, type Entry } from '../../tools/reference/entries.ts'
import { declarationText } from './declaration-text.ts'

/** A name that an entry exports. */
export interface PublicName {
  /** The entry: `@guestpass/core/node`. */
  readonly entry: string
  readonly name: string
  readonly kind: 'class' | 'constant' | 'function' | 'interface' | 'namespace' | 'type'
  /** What a program sees of it, without comments and bodies. */
  readonly text: string
  /** Where it is declared: `packages/core/src/domain/secret.ts`. */
  readonly file: string
  /** Its docstring, without its tags; empty where it has none. */
  readonly docstring: string
  /** The `@example` blocks of the name and of its members. */
  readonly examples: readonly Example[]
  /** Whether it is a function that makes an object with methods, or a function. */
  readonly isFactory: boolean
  /** Types of this repository that its text refers to, and no entry exports. */
  readonly notExported: readonly string[]
}

/** An `@example` of a docstring. */
export interface Example {
  /** The name that it is of: `Guestpass.verify`. */
  readonly of: string
  readonly code: string
}

interface World {
  readonly root: string
  readonly checker: ts.TypeChecker
  /** Every symbol that an entry exports. */
  readonly exported: ReadonlySet<ts.Symbol>
}

const kinds: readonly (readonly [flag: ts.SymbolFlags, kind: PublicName['kind']])[] = [
  [ts.SymbolFlags.Class, 'class'],
  [ts.SymbolFlags.Function, 'function'],
  [ts.SymbolFlags.Interface, 'interface'],
  [ts.SymbolFlags.TypeAlias, 'type'],
  [ts.SymbolFlags.ValueModule, 'namespace'],
  [ts.SymbolFlags.Variable, 'constant'],
]

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts'],
  types: [],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  noEmit: true,
}

/** Reads the sources of this repository alone: what other packages export is not looked at, which saves most of the time. */
function hostOf(root: string, entries: readonly Entry[]): ts.CompilerHost {
  const files = new Map(entries.map(({ name, file }) => [name, join(root, file)]))
  return {
    ...ts.createCompilerHost(options),
    resolveModuleNameLiterals: (names, from) =>
      names.map(({ text }) => {
        const file = text.startsWith('.') ? join(dirname(from), text) : files.get(text)
        const resolvedModule = file?.endsWith('.ts')
          ? { resolvedFileName: file, extension: ts.Extension.Ts }
          : undefined
        return { resolvedModule }
      }),
  }
}

/** Every name that the entries of the packages export, as TypeScript reads the sources. Takes about two seconds. */
export function publicNames(root: string): readonly PublicName[] {
  const entries = entriesIn(root)
  const files = entries.map(({ file }) => join(root, file))
  const program = ts.createProgram(files, options, hostOf(root, entries))
  const checker = program.getTypeChecker()
  const symbolsOf = ({ file }: Entry): readonly ts.Symbol[] => {
    const source = program.getSourceFile(join(root, file))
    const module = source && checker.getSymbolAtLocation(source)
    return module ? checker.getExportsOfModule(module) : []
  }
  const exported = new Set(entries.flatMap(symbolsOf).map((symbol) => target(checker, symbol)))
  const world: World = { root, checker, exported }
  return entries.flatMap((entry) => symbolsOf(entry).flatMap((symbol) => read(world, entry.name, symbol, '')))
}

const target = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

function read(world: World, entry: string, symbol: ts.Symbol, prefix: string): readonly PublicName[] {
  const found = target(world.checker, symbol)
  const declarations = found.declarations ?? []
  const [first] = declarations
  const [, kind] = kinds.find(([flag]) => found.flags & flag) ?? []
  if (!first || !kind) throw new Error(`${entry}: ${symbol.name} has no declaration that can be read`)
  const name = prefix + symbol.name
  const inner =
    kind === 'namespace'
      ? world.checker.getExportsOfModule(found).flatMap((member) => read(world, entry, member, `${name}.`))
      : []
  const own: PublicName = {
    entry,
    name,
    kind,
    text: kind === 'namespace' ? '' : declarations.map((each) => declarationText(world.checker, each)).join('\n'),
    file: relative(world.root, first.getSourceFile().fileName),
    // That of a namespace is before the line that exports it.
    docstring: (kind === 'namespace' ? (symbol.declarations ?? []).map(({ parent }) => parent) : declarations)
      .map(docstringOf)
      .join(''),
    examples: declarations.flatMap((each) => examplesIn(each, name)),
    isFactory: (kind === 'function' || kind === 'constant') && makesParts(world.checker, found, first),
    notExported: declarations.flatMap((each) => hiddenIn(world, each)),
  }
  return [own, ...inner]
}

const commentsOf = (node: ts.Node): readonly ts.JSDoc[] => ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)

const docstringOf = (node: ts.Node): string =>
  commentsOf(node)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
    .join('\n')

/** The code of an example: the inside of its fence, or the text as it is. */
const codeOf = (text: string): string => (/^```ts\n([\s\S]*?)^```/m.exec(text)?.[1] ?? text).trim() + '\n'

function examplesIn(declaration: ts.Node, name: string): readonly Example[] {
  const found: Example[] = []
  const visit = (node: ts.Node, of: string): void => {
    if (ts.isBlock(node)) return
    for (const { tags } of commentsOf(node))
      for (const tag of tags ?? [])
        if (tag.tagName.text === 'example')
          found.push({ of, code: codeOf(ts.getTextOfJSDocComment(tag.comment) ?? '') })
    ts.forEachChild(node, (child) => {
      if (ts.isTypeElement(child) || ts.isClassElement(child))
        visit(child, child.name ? `${name}.${child.name.getText()}` : of)
    })
  }
  visit(declaration, name)
  return found
}

/** Whether a function makes something to be used: an object of a type of this repository that has methods, or a function. */
function makesParts(checker: ts.TypeChecker, symbol: ts.Symbol, declaration: ts.Declaration): boolean {
  const [signature] = checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures()
  if (!signature) return false
  const made = checker.getAwaitedType(signature.getReturnType()) ?? signature.getReturnType()
  if (made.flags & ts.TypeFlags.Union || made.isClass()) return false
  const isCallable = (type: ts.Type): boolean => type.getCallSignatures().length > 0
  const isOurs = (member: ts.Symbol): boolean =>
    member.declarations?.every((each) => !each.getSourceFile().fileName.includes('node_modules')) ?? false
  return (
    isCallable(made) ||
    made
      .getProperties()
      .some((member) => isOurs(member) && isCallable(checker.getTypeOfSymbolAtLocation(member, declaration)))
  )
}

/** Types of this repository in the public text of a declaration that no entry exports. */
function hiddenIn({ root, checker, exported }: World, declaration: ts.Node): readonly string[] {
  const found = new Set<string>()
  const check = (node: ts.Node): void => {
    const symbol = checker.getSymbolAtLocation(node)
    if (!symbol) return
    const named = target(checker, symbol)
    if (named.flags & ts.SymbolFlags.TypeParameter || exported.has(named)) return
    const [first] = named.declarations ?? []
    // A declaration in a block is of another module, as `Express.Request`; a file is a module that was imported whole.
    if (!first || ts.isSourceFile(first) || ts.isModuleBlock(first.parent)) return
    const file = first.getSourceFile().fileName
    if (file.startsWith(join(root, 'packages'))) found.add(`${named.name} of ${relative(root, file)}`)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isHidden(node)) return
    if (ts.isTypeReferenceNode(node)) check(node.typeName)
    if (ts.isTypeQueryNode(node)) check(node.exprName)
    if (ts.isExpressionWithTypeArguments(node)) check(node.expression)
    ts.forEachChild(node, visit)
  }
  if (ts.isSourceFile(declaration)) return []
  if (ts.isVariableDeclaration(declaration)) visitConstant(declaration, visit)
  else visit(declaration)
  return [...found]
}

const isHidden = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)

/** Of a constant: its type, and the parameters and the result of a function that it holds. */
function visitConstant(declaration: ts.VariableDeclaration, visit: (node: ts.Node) => void): void {
  if (declaration.type) visit(declaration.type)
  const held = declaration.initializer
  if (!held || !ts.isArrowFunction(held)) return
  for (const node of [...(held.typeParameters ?? []), ...held.parameters]) visit(node)
  if (held.type) visit(held.type)
}
