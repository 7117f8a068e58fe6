//! `sqleuth check`: every key, every file, every login, each with a line that says what to mend.

use std::error::Error as _;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::alert::slack::{Connection, Login};
use crate::app::{self, schema};
use crate::cli::run::runtime;
use crate::cli::{PARTIAL, load, print};
use crate::config::{Config, Log, SlowLog};
use crate::ingest::server_log::Kind;
use crate::ingest::slow_log;
use crate::ingest::tail::pattern::{current, is_dated};
use crate::serve::{self, Auth};

/// Bytes that tell a log's format.
const HEAD: u64 = 64 << 10;

/// Prints a line for each thing that was tried; exit code 2 when one of them does not work.
pub(super) fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let config = load(Some(file))?;
    let mut lines = vec![Ok(format!("{}: every key is understood", file.display()))];
    let problems = config.inconsistencies();
    if problems.is_empty() {
        lines.push(Ok("its parts fit together".to_owned()));
    }
    lines.extend(
        problems
            .into_iter()
            .map(|problem| Err(anyhow::anyhow!(problem))),
    );
    lines.push(page(&config));
    lines.push(otlp(&config));
    lines.push(forward(&config));
    lines.push(store(&config));
    lines.push(slack(&config));
    if config.sources().is_empty() {
        lines.push(Err(anyhow::anyhow!(
            "no [[slow_log]] and no [[log]], and OTLP is off: nothing is seen; set the path of one"
        )));
    }
    lines.extend(config.slow_log.iter().map(follow));
    let declared = config.slow_log.iter().filter(|log| !log.schema.is_empty());
    lines.extend(declared.map(tables));
    lines.extend(config.log.iter().map(follow_errors));
    let is_well = lines.iter().all(Result::is_ok);
    for line in lines {
        match line {
            Ok(line) => print(&format!("ok    {line}\n"))?,
            Err(error) => print(&format!("MEND  {error:#}\n"))?,
        }
    }
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(PARTIAL)
    })
}

/// Whether the ports may be opened; they are not tried, for the sidecar that runs may have them.
fn otlp(config: &Config) -> anyhow::Result<String> {
    app::otlp::check(config)?;
    app::otlp::token(config)?;
    let ports: Vec<_> = config.listen.otlp().collect();
    if ports.is_empty() {
        return Ok("listen.otlp_grpc, listen.otlp_http: off".to_owned());
    }
    let told = ports
        .iter()
        .map(|(key, address)| format!("{key}: {address}"));
    Ok(told.collect::<Vec<_>>().join(", "))
}

/// Whether what is received can go on; the backend is not asked, for a try would be a request.
fn forward(config: &Config) -> anyhow::Result<String> {
    let settings = &config.forward;
    let Some(url) = &settings.otlp else {
        return Ok("forward.otlp: not set, nothing goes on".to_owned());
    };
    settings.check()?;
    anyhow::ensure!(
        config.listen.otlp().next().is_some(),
        "forward.otlp: {url} gets nothing while listen.otlp_grpc and listen.otlp_http are off"
    );
    Ok(format!("forward.otlp: {url}"))
}

fn page(config: &Config) -> anyhow::Result<String> {
    serve::check_bind(config.listen.http, &config.auth)?;
    Auth::load(&config.auth)?;
    Ok(format!("listen.http: {}", config.listen.http))
}

/// Whether the store can be written, or made; nothing is left behind.
fn store(config: &Config) -> anyhow::Result<String> {
    let path = &config.store.path;
    let is_folder = |folder: &&Path| folder.is_dir();
    let folders = path.ancestors().skip(1);
    let folder = folders
        .map(|folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        })
        .find(is_folder)
        .unwrap_or(Path::new("."));
    let probe = folder.join(format!(".sqleuth-check-{}", std::process::id()));
    let is_writable = OpenOptions::new().write(true).create_new(true).open(&probe);
    let is_writable = is_writable.and_then(|_| std::fs::remove_file(&probe));
    is_writable.with_context(|| format!("store.path: {} cannot be written", folder.display()))?;
    // another user's run may have left its lock
    let mut lock = path.clone().into_os_string();
    lock.push(".lock");
    for file in [path, Path::new(&lock)]
        .into_iter()
        .filter(|file| file.exists())
    {
        let opened = OpenOptions::new().append(true).open(file);
        opened.with_context(|| format!("store.path: {} cannot be written", file.display()))?;
    }
    Ok(format!("store.path: {}", path.display()))
}

fn slack(config: &Config) -> anyhow::Result<String> {
    let Some(connection) = Connection::open(&config.slack, config.style())? else {
        return Ok("slack: not configured, nobody is told".to_owned());
    };
    let login = runtime()?.block_on(connection.login());
    match login {
        Ok(Login::Webhook) => Ok(
            "slack: the webhook's address was read; it is not tried, for a try would be a message"
                .to_owned(),
        ),
        Ok(Login::Bot { user, team }) => Ok(format!(
            "slack: the token is that of {user} in {team}; invite the bot to {}",
            config.slack.channel.as_deref().unwrap_or_default()
        )),
        Err(error) if error.needs_a_person() => {
            anyhow::bail!(
                "slack.token_file: slack does not accept this token ({error}); put the bot token (xoxb-…) of the app there"
            )
        }
        Err(error) => {
            let reason = error
                .source()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            anyhow::bail!(
                "slack.api_url: {} could not be asked ({error}{reason})",
                config.slack.api_url
            )
        }
    }
}

fn tables(log: &SlowLog) -> anyhow::Result<String> {
    let declared = schema::read(&log.schema);
    if let Some(failed) = declared.failed.into_iter().next() {
        return Err(failed.into());
    }
    let (path, count) = (log.path.display(), declared.schema.len());
    Ok(match declared.unread.first() {
        Some(first) => format!(
            "slow_log {path}: schema of {count} tables; {} statements of it could not be read, the first: {first}",
            declared.unread_count
        ),
        None => format!("slow_log {path}: schema of {count} tables"),
    })
}

fn follow(log: &SlowLog) -> anyhow::Result<String> {
    let path = log.path.display();
    anyhow::ensure!(
        !is_dated(&log.path),
        "slow_log {path}: a file with a date in its name is not written to for long; give a pattern, like \
         \"postgresql-*.log\", of which the newest is followed"
    );
    let head = head(&current(&log.path), "slow_log")?;
    let told = slow_log::sniff(&head);
    Ok(match (log.format.known(), told) {
        (_, None) if head.is_empty() => format!("slow_log {path}: readable, empty so far"),
        (Some(known), Some(told)) if known != told => {
            anyhow::bail!(
                "slow_log {path}: format is {known} in the configuration, but looks like {told}"
            )
        }
        (None, None) => anyhow::bail!(
            "slow_log {path}: the format cannot be told from its beginning; set `format`"
        ),
        (Some(format), _) | (None, Some(format)) => format!("slow_log {path}: readable, {format}"),
    })
}

fn follow_errors(log: &Log) -> anyhow::Result<String> {
    let path = log.path.display();
    let head = head(&current(&log.path), "log")?;
    if let Some(format) = slow_log::sniff(&head) {
        anyhow::bail!("log {path}: this is a {format} log; follow it as [[slow_log]]");
    }
    Ok(match (log.kind.known(), Kind::sniff(&head)) {
        (_, None) if head.is_empty() => format!("log {path}: readable, empty so far"),
        (Some(set), Some(told)) if set != told => {
            anyhow::bail!("log {path}: kind is {set} in the configuration, but looks like {told}")
        }
        (None, None) => {
            anyhow::bail!(
                "log {path}: nothing in its beginning is known: it is like no error log of a database and no log of a \
                 program; it is not followed unless `kind` is set"
            )
        }
        (Some(kind), _) => format!("log {path}: readable, {kind}"),
        (None, Some(kind)) => format!("log {path}: readable, {kind} by its first lines"),
    })
}

/// What a log begins with.
fn head(path: &Path, section: &str) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| {
        let is_file = file.metadata()?.is_file();
        if is_file {
            file.take(HEAD).read_to_end(&mut head)
        } else {
            Err(std::io::Error::other("not a regular file"))
        }
    });
    read.map_err(|error| {
        anyhow::anyhow!(
            "{section} {}: {error}; give a log file that the user of sqleuth may read",
            path.display()
        )
    })?;
    Ok(head)
}
