// Lambda's runtime interface client for Node.js functions without the package
// aws-lambda-ric: it finds the handler, hands it each invocation, and reports what it
// returns or throws, as the Node.js runtime in Lambda does.
//
// Sources: "Building Lambda functions with Node.js" in the Lambda developer guide, for the
// handler, its context and its log lines; "Using the Lambda runtime API", for the requests.

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";

const { AWS_LAMBDA_RUNTIME_API: api, LAMBDA_TASK_ROOT: root, _HANDLER: name } = process.env;
const require = createRequire(path.join(root, "/"));
// An idle connection does not keep the event loop busy, which callback handlers wait for.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const STREAMING = Symbol("streamifyResponse");

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

/** Calls the Runtime API. */
function call(method, resource, body, headers = {}) {
  const url = `http://${api}/2018-06-01/runtime/${resource}`;
  if (body !== undefined) {
    headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...headers };
  }
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** The document of an error, as Lambda returns it. */
function document(error) {
  if (util.types.isNativeError(error) || (error?.name && error.message && error.stack)) {
    return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split("\n") };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function report(resource, error) {
  const { errorType, ...rest } = document(error);
  // A header has no room for other characters.
  const header = String(errorType).replace(/[^\x20-\x7e]/g, "?");
  return call("POST", resource, JSON.stringify({ errorType, ...rest }), {
    "Lambda-Runtime-Function-Error-Type": header,
  });
}

// Log lines: time, request, level and message, divided by tabs.
let request;
for (const [method, level] of Object.entries({
  trace: "TRACE", debug: "DEBUG", info: "INFO", log: "INFO", warn: "WARN", error: "ERROR",
})) {
  console[method] = (...message) => {
    const line = [new Date().toISOString(), request, level, util.format(...message)];
    process.stdout.write(`${line.join("\t")}\n`);
  };
}

function logError(what, error) {
  const fields = (_, value) =>
    value instanceof Error
      ? { errorType: value.name, errorMessage: value.message, code: value.code, ...value, stack: document(value).trace }
      : value;
  let text;
  try {
    text = JSON.stringify(error instanceof Error ? error : document(error), fields);
  } catch {
    text = JSON.stringify(document(error));
  }
  console.error(what, text);
}

/** Whether a `.js` file is an ES module, by the nearest package.json. */
function isModule(folder) {
  for (;;) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) {
      return JSON.parse(fs.readFileSync(manifest)).type === "module";
    }
    const above = path.dirname(folder);
    if (above === folder || path.basename(folder) === "node_modules") {
      return false;
    }
    folder = above;
  }
}

/** The module of a handler: its file in the task root, or else a package. */
async function load(file) {
  const base = path.resolve(root, file);
  const exists = (extension) => fs.existsSync(base + extension) && fs.statSync(base + extension).isFile();
  const esModule = (extension) => import(pathToFileURL(base + extension).href);
  try {
    if (exists("")) return require(base);
    if (exists(".js")) return isModule(path.dirname(base)) ? await esModule(".js") : require(`${base}.js`);
    if (exists(".mjs")) return await esModule(".mjs");
    if (exists(".cjs")) return require(`${base}.cjs`);
    return require(require.resolve(file, { paths: [root] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw Object.assign(new RuntimeError("UserCodeSyntaxError", String(error)), { stack: error.stack });
    }
    if (["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) {
      throw new RuntimeError("ImportModuleError", String(error));
    }
    throw error;
  }
}

/** The function that `folder/file.export.path` names. */
async function find(handler) {
  if (handler.includes("..")) {
    throw new RuntimeError(
      "MalformedHandlerName",
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const folder = handler.slice(0, handler.lastIndexOf("/") + 1);
  const [, file, exported] = /^([^.]*)\.(.*)$/.exec(handler.slice(folder.length)) ?? [];
  if (!exported) {
    throw new RuntimeError("MalformedHandlerName", "Bad handler");
  }
  const found = exported.split(".").reduce((object, key) => object?.[key], await load(folder + file));
  if (typeof found !== "function") {
    const problem = found ? "is not a function" : "is undefined or not exported";
    throw new RuntimeError("HandlerNotFound", `${handler} ${problem}`);
  }
  if (found[STREAMING]) {
    throw new RuntimeError("MalformedStreamingHandler", "a streamed response needs the package aws-lambda-ric");
  }
  if (found.length >= 3 && !callbacks) {
    throw new RuntimeError(
      "CallbackHandlerDeprecated",
      "AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.",
    );
  }
  return found;
}

// Node.js 24 has no callbacks ("Callback-based function handlers").
const runtime = /nodejs(\d+)\.x$/.exec(process.env.AWS_EXECUTION_ENV ?? "");
const callbacks = !(Number(runtime?.[1]) >= 24);

/** What `headers` and the variables say of an invocation. */
function context(headers) {
  const json = (header) => (headers[header] === undefined ? undefined : JSON.parse(headers[header]));
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const { env } = process;
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    identity: json("lambda-runtime-cognito-identity"),
    clientContext: json("lambda-runtime-client-context"),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/**
 * The result of one invocation: what the handler returns, or what it passes to a callback.
 * With a callback, Lambda waits until the event loop is empty, unless the handler turns that
 * off; a handler that does neither has the result `null` then.
 */
function run(handler, event, about) {
  return new Promise((resolve, reject) => {
    let wait = true;
    const done = (error, result) => (error == null ? resolve(result) : reject(error));
    const callback = (error, result) => {
      if (error == null && wait) whenIdle = () => resolve(result);
      else done(error, result);
    };
    whenIdle = () => resolve(null);
    if (callbacks) {
      Object.assign(about, {
        done,
        succeed: (result) => done(null, result),
        fail: (error) => done(error ?? "handled"),
      });
      Object.defineProperty(about, "callbackWaitsForEmptyEventLoop", {
        get: () => wait,
        set: (value) => (wait = value),
        enumerable: true,
      });
    }
    const returned = callbacks ? handler(event, about, callback) : handler(event, about);
    if (typeof returned?.then === "function") {
      returned.then(resolve, (error) => done(error ?? "handled"));
    } else if (!callbacks) {
      resolve(returned);
    }
  });
}

async function invoke(handler) {
  const { headers, body } = await call("GET", "invocation/next");
  request = headers["lambda-runtime-aws-request-id"];
  const trace = headers["lambda-runtime-trace-id"];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  const invocation = `invocation/${encodeURIComponent(request)}`;
  onCrash = (error) => report(`${invocation}/error`, error);
  let response;
  try {
    const result = await run(handler, JSON.parse(body), context(headers));
    whenIdle = undefined;
    try {
      response = JSON.stringify(result) ?? "null";
    } catch {
      throw new Error("Unable to stringify response body");
    }
  } catch (error) {
    whenIdle = undefined;
    logError("Invoke Error", error);
    await report(`${invocation}/error`, error);
    return;
  }
  await call("POST", `${invocation}/response`, response);
}

// What an invocation waits for when the event loop is empty.
let whenIdle;
process.on("beforeExit", () => whenIdle?.());

// What the handler leaves behind may throw at any time: the process ends, as in Lambda.
let onCrash = (error) => report("init/error", error);
const crash = (what, code) => (error) => {
  logError(what, error);
  onCrash(error).finally(() => process.exit(code));
};
process.on("uncaughtException", crash("Uncaught Exception", 129));
process.on("unhandledRejection", (reason) => {
  const error = Object.assign(new RuntimeError("UnhandledPromiseRejection", String(reason)), { reason });
  crash("Unhandled Promise Rejection", 128)(error);
});

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: true }),
};

async function main() {
  const handler = await find(name);
  for (;;) await invoke(handler);
}
main().catch(crash("Uncaught Exception", 129));
