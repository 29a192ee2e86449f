import ts from 'typescript'

const printer = ts.createPrinter({ removeComments: true })
const FLAGS =
  ts.NodeBuilderFlags.NoTruncation |
  ts.NodeBuilderFlags.MultilineObjectLiterals |
  ts.NodeBuilderFlags.UseSingleQuotesForStringLiteralType

/** Where a declaration is: what is needed to print parts of it. */
interface Place {
  readonly checker: ts.TypeChecker
  readonly declaration: ts.Declaration
}

/** What a program sees of a declaration: its types, without comments, bodies and private members. */
export function declarationText(checker: ts.TypeChecker, declaration: ts.Declaration): string {
  const place: Place = { checker, declaration }
  if (ts.isFunctionDeclaration(declaration)) return `function ${nameOf(declaration)}${signature(place, declaration)}`
  if (ts.isVariableDeclaration(declaration)) return constant(place, declaration)
  if (!ts.isClassDeclaration(declaration)) return print(place, declaration).replace(/^export /, '')
  const heritage = (declaration.heritageClauses ?? []).map((clause) => ` ${print(place, clause).trim()}`).join('')
  const members = declaration.members.flatMap((node) => member(place, node) ?? [])
  return `class ${nameOf(declaration)}${heritage} {\n${members.map((text) => `    ${text};`).join('\n')}\n}`
}

const print = ({ declaration }: Place, node: ts.Node): string =>
  printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile())

const nameOf = ({ name }: ts.NamedDeclaration): string => name?.getText() ?? ''

function typeText(place: Place, type: ts.Type): string {
  const node = place.checker.typeToTypeNode(type, place.declaration, FLAGS)
  return node ? print(place, node) : place.checker.typeToString(type)
}

/** The type that is written at a node, else the one that TypeScript infers. */
const typeAt = (
  place: Place,
  node: ts.ParameterDeclaration | ts.PropertyDeclaration | ts.VariableDeclaration,
): string => (node.type ? print(place, node.type) : typeText(place, place.checker.getTypeAtLocation(node)))

function parameters(place: Place, node: ts.SignatureDeclaration): string {
  const types = node.typeParameters ? `<${node.typeParameters.map((each) => print(place, each)).join(', ')}>` : ''
  const texts = node.parameters.map((parameter) => {
    const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options'
    const isOptional = parameter.questionToken ?? parameter.initializer
    return `${parameter.dotDotDotToken ? '...' : ''}${name}${isOptional ? '?' : ''}: ${typeAt(place, parameter)}`
  })
  return `${types}(${texts.join(', ')})`
}

function signature(place: Place, node: ts.SignatureDeclaration, arrow = ': '): string {
  const made = place.checker.getSignatureFromDeclaration(node)
  const result = node.type ? print(place, node.type) : made ? typeText(place, made.getReturnType()) : 'void'
  return parameters(place, node) + arrow + result
}

function constant(place: Place, declaration: ts.VariableDeclaration): string {
  const held = declaration.type ? undefined : declaration.initializer
  const type = held && ts.isArrowFunction(held) ? signature(place, held, ' => ') : typeAt(place, declaration)
  return `const ${nameOf(declaration)}: ${type}`
}

const left = new Set([ts.SyntaxKind.OverrideKeyword, ts.SyntaxKind.AsyncKeyword])

/** A member of a class; undefined for those that only the class itself sees. */
function member(place: Place, node: ts.ClassElement): string | undefined {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []
  const isPrivate = modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
  if (isPrivate || (node.name && ts.isPrivateIdentifier(node.name))) return undefined
  if (ts.isConstructorDeclaration(node)) return `constructor${parameters(place, node)}`
  const words = modifiers.filter(({ kind }) => !left.has(kind)).map((each) => `${each.getText()} `)
  const start = words.join('') + nameOf(node)
  if (ts.isMethodDeclaration(node)) return start + signature(place, node)
  if (ts.isGetAccessor(node)) return `get ${start}${signature(place, node)}`
  if (ts.isPropertyDeclaration(node)) return `${start}${node.questionToken ? '?' : ''}: ${typeAt(place, node)}`
  return undefined
}
