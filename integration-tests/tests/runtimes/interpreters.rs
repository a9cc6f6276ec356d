//! Functions of a template whose runtime is Python or Node.js.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use aws_wire::DEFAULT_REGION;
use bytes::Bytes;
use integration_tests::{
    patience::same,
    tool::{Tool, trial},
};
use lambda_host::{Function, Outcome};
use libtest_mimic::Trial;
use local::{
    bootstraps::{Source, launches, sources},
    embedded::{Embedded, Options},
    project::Project,
    watch::{News, Watch},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The tests of Python and of Node.js.
pub fn trials(python: &Tool, node: &Tool) -> Vec<Trial> {
    macro_rules! of_node {
        ($($function:ident),* $(,)?) => {
            vec![$(trial(
                concat!("node::", stringify!($function)),
                node,
                |_| Box::pin($function()),
            )),*]
        };
    }
    let mut trials = of_node![
        a_handler_is_found_in_every_kind_of_module,
        a_handler_may_call_back,
        an_error_has_type_message_and_trace,
        a_crash_ends_its_execution_environment_alone,
        aws_lambda_ric_is_preferred_where_it_is_installed,
    ];
    trials.push(trial(
        "python::a_function_runs_in_its_virtual_environment",
        python,
        |python| Box::pin(a_function_runs_in_its_virtual_environment(python)),
    ));
    trials.push(trial(
        "python::a_function_is_replaced_when_its_code_changes",
        python,
        |python| Box::pin(a_function_is_replaced_when_its_code_changes(python)),
    ));
    trials
}

/// A template with one function, and its code in the folder `code`.
struct Fixture {
    folder: TempDir,
    runtime: &'static str,
    handler: &'static str,
}

impl Fixture {
    fn new(
        runtime: &'static str,
        handler: &'static str,
        files: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for (file, text) in files {
            let file = folder.path().join("code").join(file);
            fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            fs::write(file, text)?;
        }
        Ok(Self {
            folder,
            runtime,
            handler,
        })
    }

    fn code(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    async fn start(&self) -> anyhow::Result<Running> {
        let file = self.folder.path().join("template.yaml");
        let (runtime, handler) = (self.runtime, self.handler);
        fs::write(
            &file,
            format!(
                "Resources:\n  One:\n    Type: AWS::Serverless::Function\n    Properties: {{ \
                 FunctionName: one, Runtime: {runtime}, Handler: {handler}, CodeUri: code, \
                 Timeout: 10, Environment: {{ Variables: {{ GREETING: hello }} }} }}\n"
            ),
        )?;
        let project = Project::in_region(&file, DEFAULT_REGION)?;
        let sources = sources(&project.environment.functions, &BTreeMap::new(), &file)?;
        let options = Options {
            bootstraps: launches(&sources, false).await?,
            ..Options::new(project, BTreeMap::new())
        };
        Ok(Running {
            embedded: Embedded::start(options).await?,
            source: sources["one"].clone(),
        })
    }
}

/// The running function.
struct Running {
    embedded: Embedded,
    source: Source,
}

impl Running {
    fn function(&self) -> &Arc<Function> {
        &self.embedded.functions["one"]
    }

    async fn outcome(&self, event: &Value) -> Outcome {
        let payload = Bytes::from(event.to_string());
        self.function().invoke(payload).await.outcome
    }

    async fn success(&self, event: Value) -> anyhow::Result<Value> {
        match self.outcome(&event).await {
            Outcome::Success(payload) => Ok(serde_json::from_slice(&payload)?),
            other => bail!("{event}: {other:?}"),
        }
    }

    async fn error(&self, event: Value) -> anyhow::Result<Value> {
        match self.outcome(&event).await {
            Outcome::FunctionError(error) => Ok(serde_json::from_slice(&error.payload)?),
            other => bail!("{event}: {other:?}"),
        }
    }

    async fn stop(self) {
        self.embedded.shut_down().await;
    }
}

const PYTHON: &str = "
import os, sys, neighbour

def handler(event, context):
    if event == 'fail':
        raise ValueError('no good')
    assert context.get_remaining_time_in_millis() > 0
    names = ['_HANDLER', 'AWS_EXECUTION_ENV', 'GREETING', 'LAMBDA_TASK_ROOT', 'PYTHONPATH']
    return {'python': sys.executable, 'neighbour': neighbour.NAME, 'folder': os.getcwd(),
            'variables': [os.environ[name] for name in names]}
";

/// The function imports what lies beside it, has Lambda's variables, and reports an error
/// with a stack trace.
async fn a_function_runs_in_its_virtual_environment(python: PathBuf) -> anyhow::Result<()> {
    let project = python_project(&python)?;
    let running = project.start().await?;
    let code = project.code().canonicalize()?.display().to_string();
    let success = running.success(json!({})).await?;
    let expected = json!({
        "python": format!("{code}/.venv/bin/python"),
        "neighbour": "next door",
        "folder": code,
        "variables": ["app.handler", "AWS_Lambda_python3.99", "hello", code, code],
    });
    same("response", success, expected)?;
    let error = running.error(json!("fail")).await?;
    same("errorType", &error["errorType"], &json!("ValueError"))?;
    same("errorMessage", &error["errorMessage"], &json!("no good"))?;
    let trace = error["stackTrace"].to_string();
    ensure!(trace.contains("app.py"), "{trace}");
    running.stop().await;
    Ok(())
}

/// A project whose version of Python no machine has: the virtual environment's is used.
fn python_project(python: &Path) -> anyhow::Result<Fixture> {
    let files = [("app.py", PYTHON), ("neighbour.py", "NAME = 'next door'")];
    let project = Fixture::new("python3.99", "app.handler", &files)?;
    let environment = python.parent().and_then(|bin| bin.parent());
    let environment = environment.context("the interpreter is in no environment")?;
    symlink(
        std::path::absolute(environment)?,
        project.code().join(".venv"),
    )?;
    Ok(project)
}

/// A change in any file of the code replaces the function. One with a mistake does not.
async fn a_function_is_replaced_when_its_code_changes(python: PathBuf) -> anyhow::Result<()> {
    let project = python_project(&python)?;
    let running = project.start().await?;
    let (tell, mut news) = tokio::sync::mpsc::unbounded_channel();
    let watch = Watch::new(running.function().clone(), running.source.clone(), false)?;
    let watching = tokio::spawn(watch.run(move |news| drop(tell.send(news))));

    let neighbour = project.code().join("neighbour.py");
    fs::write(&neighbour, "NAME = 'moved away'")?;
    let replaced = matches!(news.recv().await, Some(News::Replaced { .. }));
    ensure!(replaced, "the change was not accepted");
    let success = running.success(json!({})).await?;
    same("neighbour", &success["neighbour"], &json!("moved away"))?;

    fs::write(&neighbour, "NAME = a mistake, and a long one")?;
    let Some(News::Kept { reason, .. }) = news.recv().await else {
        bail!("the mistake was accepted");
    };
    ensure!(reason.contains("Syntax error in module"), "{reason}");
    let success = running.success(json!({})).await?;
    same("neighbour", &success["neighbour"], &json!("moved away"))?;
    watching.abort();
    running.stop().await;
    Ok(())
}

const NODE: &str = "(event, context) => ({
  event, left: context.getRemainingTimeInMillis() > 0, require: typeof require,
  same: [context.functionName, context.memoryLimitInMB, context.functionVersion].join(),
  variables: [process.env._HANDLER, process.env.AWS_EXECUTION_ENV, process.env.GREETING],
})";

/// ES modules by extension and by package.json, `CommonJS`, a folder, and nested exports.
async fn a_handler_is_found_in_every_kind_of_module() -> anyhow::Result<()> {
    let es = format!("export const handler = async {NODE};");
    let common = format!("exports.handler = async {NODE};");
    let nested = format!("exports.api = {{ handler: async {NODE} }};");
    let package = r#"{ "type": "module" }"#;
    for (handler, file, text, package, require) in [
        ("app.handler", "app.mjs", &es, "", "undefined"),
        ("app.handler", "app.js", &es, package, "undefined"),
        ("app.handler", "app.js", &common, "{}", "function"),
        ("app.handler", "app.cjs", &common, package, "function"),
        ("app.api.handler", "app.js", &nested, "", "function"),
        (
            "src/deep/app.handler",
            "src/deep/app.mjs",
            &es,
            "",
            "undefined",
        ),
    ] {
        let mut files = vec![(file, text.as_str())];
        if !package.is_empty() {
            files.push(("package.json", package));
        }
        let running = Fixture::new("nodejs99.x", handler, &files)?;
        let running = running.start().await.context(file)?;
        let expected = json!({
            "event": { "n": 1 },
            "left": true,
            "require": require,
            "same": "one,128,$LATEST",
            "variables": [handler, "AWS_Lambda_nodejs99.x", "hello"],
        });
        same(file, running.success(json!({ "n": 1 })).await?, expected)?;
        running.stop().await;
    }
    Ok(())
}

/// Up to Node.js 22: by a callback, which waits for the event loop, by `context`, or not at
/// all.
async fn a_handler_may_call_back() -> anyhow::Result<()> {
    let text = "let late = 0;
    exports.handler = (event, context, callback) => {
      const end = () => callback(null, { get late() { return late; } });
      setTimeout(() => { late += 1; }, 100);
      if (event === 'wait') end();
      if (event === 'at once') { context.callbackWaitsForEmptyEventLoop = false; end(); }
      if (event === 'succeed') context.succeed('succeeded');
      if (event === 'fail') callback('a text');
    };";
    let project = Fixture::new("nodejs20.x", "app.handler", &[("app.js", text)])?;
    let running = project.start().await?;
    let success = |event: &'static str| running.success(json!(event));
    same("wait", success("wait").await?, json!({ "late": 1 }))?;
    same("at once", success("at once").await?, json!({ "late": 1 }))?;
    same("neither", success("neither").await?, json!(null))?;
    same("succeed", success("succeed").await?, json!("succeeded"))?;
    let error = running.error(json!("fail")).await?;
    let expected = json!({ "errorType": "string", "errorMessage": "a text", "trace": [] });
    same("fail", error, expected)?;
    running.stop().await;

    let project = Fixture::new("nodejs24.x", "app.handler", &[("app.js", text)])?;
    let running = project.start().await?;
    let error = running.error(json!("wait")).await?;
    let expected = json!("Runtime.CallbackHandlerDeprecated");
    same("with Node.js 24", &error["errorType"], &expected)?;
    running.stop().await;
    Ok(())
}

/// Errors of the handler, and of its init.
async fn an_error_has_type_message_and_trace() -> anyhow::Result<()> {
    let text = "export const handler = async (event) => { throw new RangeError(event); };
                export const number = 1;";
    let files = [
        ("app.mjs", text),
        ("broken.js", "exports.handler = ("),
        ("thrower.mjs", "throw new TypeError('at init');"),
        ("importer.mjs", "import 'no-such-package';"),
    ];
    let project = Fixture::new("nodejs22.x", "app.handler", &files)?;
    let running = project.start().await?;
    let error = running.error(json!("out of reach")).await?;
    same("errorType", &error["errorType"], &json!("RangeError"))?;
    same("message", &error["errorMessage"], &json!("out of reach"))?;
    let trace = error["trace"][1].as_str().unwrap_or_default();
    ensure!(trace.contains("app.mjs:1:"), "{error}");
    running.stop().await;

    for (handler, expected) in [
        ("missing.handler", "Runtime.ImportModuleError"),
        ("importer.handler", "Runtime.ImportModuleError"),
        ("app.missing", "Runtime.HandlerNotFound"),
        ("app.number", "Runtime.HandlerNotFound"),
        ("app", "Runtime.MalformedHandlerName"),
        ("../app.handler", "Runtime.MalformedHandlerName"),
        ("broken.handler", "Runtime.UserCodeSyntaxError"),
        ("thrower.handler", "TypeError"),
    ] {
        let project = Fixture::new("nodejs22.x", handler, &files)?;
        let running = project.start().await?;
        let error = running.error(json!({})).await?;
        same(handler, &error["errorType"], &json!(expected))?;
        running.stop().await;
    }
    Ok(())
}

/// What a handler leaves behind may throw. The next invocation has a new process.
async fn a_crash_ends_its_execution_environment_alone() -> anyhow::Result<()> {
    let text = "let invocations = 0;
    export const handler = async (event) => {
      invocations += 1;
      if (event === 'throw') setTimeout(() => { throw new Error('too late'); });
      if (event === 'reject') Promise.reject(new Error('nobody looks'));
      if (event === 'exit') process.exit(3);
      if (event !== 'count') await new Promise(() => {});
      return invocations;
    };";
    let project = Fixture::new("nodejs20.x", "app.handler", &[("app.mjs", text)])?;
    let running = project.start().await?;
    for (event, expected) in [
        ("throw", "Error"),
        ("reject", "Runtime.UnhandledPromiseRejection"),
        ("exit", "Runtime.ExitError"),
    ] {
        let error = running.error(json!(event)).await?;
        same(event, &error["errorType"], &json!(expected))?;
        same(
            "invocations",
            running.success(json!("count")).await?,
            json!(1),
        )?;
    }
    running.stop().await;
    Ok(())
}

/// The package in a `node_modules` above the code runs with the handler as its argument.
async fn aws_lambda_ric_is_preferred_where_it_is_installed() -> anyhow::Result<()> {
    let client = "
    const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
    for (;;) {
      const next = await fetch(`${api}/next`);
      const id = next.headers.get('lambda-runtime-aws-request-id');
      const body = JSON.stringify(`the package runs ${process.argv[2]} in ${process.cwd()}`);
      await fetch(`${api}/${id}/response`, { method: 'POST', body });
    }";
    let files = [
        (
            "../node_modules/aws-lambda-ric/package.json",
            r#"{ "bin": { "aws-lambda-ric": "bin/index.mjs" } }"#,
        ),
        ("../node_modules/aws-lambda-ric/bin/index.mjs", client),
        ("app.mjs", "export const handler = () => 'not this';"),
    ];
    let project = Fixture::new("nodejs20.x", "app.handler", &files)?;
    let code = project.code().canonicalize()?;
    let running = project.start().await?;
    let expected = format!("the package runs app.handler in {}", code.display());
    same(
        "response",
        running.success(json!({})).await?,
        json!(expected),
    )?;
    running.stop().await;
    Ok(())
}
