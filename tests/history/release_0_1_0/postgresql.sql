--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: truestep_job_birth(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_job_birth() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.status <> 'pending' AND NOT EXISTS (SELECT 1 FROM truestep_transition AS j WHERE j.kind = 'move' AND j.job_id = NEW.id AND j.step_id IS NULL AND j.to_status = NEW.status AND j.seq <= NEW.seq) THEN RAISE EXCEPTION 'truestep: a job is born pending; only transitions.py moves it on' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_job_seq(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_job_seq() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.seq < OLD.seq OR (NEW.seq > OLD.seq AND NOT EXISTS (SELECT 1 FROM truestep_transition AS j WHERE j.job_id = NEW.id AND j.seq = NEW.seq AND j.tag = NEW.tag)) THEN RAISE EXCEPTION 'truestep: seq never falls and rises only with the journal; this row is stale' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_job_status(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_job_status() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.status <> OLD.status AND (NEW.seq <= OLD.seq OR NOT EXISTS (SELECT 1 FROM truestep_transition AS j WHERE j.kind = 'move' AND j.job_id = NEW.id AND j.step_id IS NULL AND j.from_status = OLD.status AND j.to_status = NEW.status AND j.seq > OLD.seq AND j.seq <= NEW.seq)) THEN RAISE EXCEPTION 'truestep: a job status changes only with its journal entry; use jobs.orchestrator' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_journal_unchanged(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_journal_unchanged() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF 1 = 1 THEN RAISE EXCEPTION 'truestep: a journal entry is never changed' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_news(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_news() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NOTIFY truestep; RETURN NULL; END $$;


--
-- Name: truestep_step_birth(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_step_birth() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.status <> 'pending' AND NOT EXISTS (SELECT 1 FROM (SELECT * FROM truestep_transition WHERE job_id = NEW.job_id AND seq >= NEW.seq ORDER BY seq LIMIT 1) AS j WHERE j.kind = 'move' AND j.seq = NEW.seq AND j.step_id = NEW.id AND j.to_status = NEW.status) THEN RAISE EXCEPTION 'truestep: a step is born pending; only transitions.py moves it on' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_step_news(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_step_news() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NOTIFY truestep; RETURN NULL; END $$;


--
-- Name: truestep_step_seq(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_step_seq() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.seq < OLD.seq OR NEW.fence < OLD.fence THEN RAISE EXCEPTION 'truestep: seq and fence of a step never fall; this row is stale' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


--
-- Name: truestep_step_status(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.truestep_step_status() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    AS $$ BEGIN IF NEW.status <> OLD.status AND (NEW.seq <= OLD.seq OR NOT EXISTS (SELECT 1 FROM (SELECT * FROM truestep_transition WHERE job_id = NEW.job_id AND seq >= NEW.seq ORDER BY seq LIMIT 1) AS j WHERE j.kind = 'move' AND j.seq = NEW.seq AND j.step_id = NEW.id AND j.to_status = NEW.status AND j.from_status = OLD.status)) THEN RAISE EXCEPTION 'truestep: a step status changes only with its journal entry; use jobs.orchestrator' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: auth_group; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);


--
-- Name: auth_group_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_group_permissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_group_permissions (
    id integer NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);


--
-- Name: auth_group_permissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_permission; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);


--
-- Name: auth_permission_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_user; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_user (
    id integer NOT NULL,
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    username character varying(150) NOT NULL,
    first_name character varying(150) NOT NULL,
    last_name character varying(150) NOT NULL,
    email character varying(254) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamp with time zone NOT NULL
);


--
-- Name: auth_user_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_user_groups (
    id integer NOT NULL,
    user_id integer NOT NULL,
    group_id integer NOT NULL
);


--
-- Name: auth_user_groups_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_user_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_user_user_permissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_user_user_permissions (
    id integer NOT NULL,
    user_id integer NOT NULL,
    permission_id integer NOT NULL
);


--
-- Name: auth_user_user_permissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: axes_accessattempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.axes_accessattempt (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    get_data text NOT NULL,
    post_data text NOT NULL,
    failures_since_start integer NOT NULL,
    CONSTRAINT axes_accessattempt_failures_since_start_check CHECK ((failures_since_start >= 0))
);


--
-- Name: axes_accessattempt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.axes_accessattempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessattempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: axes_accessattemptexpiration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.axes_accessattemptexpiration (
    access_attempt_id integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: axes_accessfailurelog; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.axes_accessfailurelog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    locked_out boolean NOT NULL
);


--
-- Name: axes_accessfailurelog_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.axes_accessfailurelog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accessfailurelog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: axes_accesslog; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.axes_accesslog (
    id integer NOT NULL,
    user_agent character varying(255) NOT NULL,
    ip_address inet,
    username character varying(255),
    http_accept character varying(1025) NOT NULL,
    path_info character varying(255) NOT NULL,
    attempt_time timestamp with time zone NOT NULL,
    logout_time timestamp with time zone,
    session_hash character varying(64) NOT NULL
);


--
-- Name: axes_accesslog_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.axes_accesslog ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.axes_accesslog_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_admin_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_admin_log (
    id integer NOT NULL,
    action_time timestamp with time zone NOT NULL,
    object_id text,
    object_repr character varying(200) NOT NULL,
    action_flag smallint NOT NULL,
    change_message text NOT NULL,
    content_type_id integer,
    user_id integer NOT NULL,
    CONSTRAINT django_admin_log_action_flag_check CHECK ((action_flag >= 0))
);


--
-- Name: django_admin_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_admin_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_admin_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_content_type; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);


--
-- Name: django_content_type_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_migrations (
    id integer NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);


--
-- Name: django_migrations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: django_session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);


--
-- Name: truestep_attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_attempt (
    id bigint NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    result text,
    error text NOT NULL,
    traceback text NOT NULL,
    step_id bigint NOT NULL,
    worker_id bigint,
    verdict character varying(11) NOT NULL,
    CONSTRAINT attempt_from_1 CHECK ((number >= 1)),
    CONSTRAINT attempt_verdict_iff_ended CHECK ((((ended_at IS NULL) AND ((verdict)::text = ''::text)) OR ((NOT (ended_at IS NULL)) AND (NOT ((verdict)::text = ''::text))))),
    CONSTRAINT truestep_attempt_number_check CHECK ((number >= 0))
);


--
-- Name: truestep_attempt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_attempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_intent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_intent (
    id bigint NOT NULL,
    digest character varying(64) NOT NULL,
    at timestamp with time zone NOT NULL,
    result text
);


--
-- Name: truestep_intent_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_intent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_intent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_job (
    id bigint NOT NULL,
    uuid uuid NOT NULL,
    definition character varying(100) NOT NULL,
    params text NOT NULL,
    status character varying(10) NOT NULL,
    seq bigint NOT NULL,
    cancel_requested boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    again_of_id bigint,
    tag character varying(8) NOT NULL,
    understood text,
    CONSTRAINT job_ended_at_iff_terminal CHECK ((((ended_at IS NOT NULL) AND ((status)::text = ANY ((ARRAY['cancelled'::character varying, 'skipped'::character varying, 'failed'::character varying, 'succeeded'::character varying])::text[]))) OR ((NOT ((status)::text = ANY ((ARRAY['cancelled'::character varying, 'skipped'::character varying, 'failed'::character varying, 'succeeded'::character varying])::text[]))) AND (ended_at IS NULL)))),
    CONSTRAINT job_seq_from_1 CHECK ((seq >= 1)),
    CONSTRAINT job_status_known CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'succeeded'::character varying, 'failed'::character varying, 'cancelled'::character varying])::text[]))),
    CONSTRAINT truestep_job_seq_check CHECK ((seq >= 0))
);


--
-- Name: truestep_job_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_job ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_logchunk; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_logchunk (
    id bigint NOT NULL,
    attempt integer NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    text text NOT NULL,
    levels text NOT NULL,
    times text NOT NULL,
    step_id bigint NOT NULL,
    CONSTRAINT log_last_from_first CHECK ((last >= first)),
    CONSTRAINT truestep_logchunk_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT truestep_logchunk_first_check CHECK ((first >= 0)),
    CONSTRAINT truestep_logchunk_last_check CHECK ((last >= 0))
);


--
-- Name: truestep_logchunk_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_logchunk ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_logchunk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_need; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_need (
    id bigint NOT NULL,
    needed_id bigint NOT NULL,
    step_id bigint NOT NULL,
    CONSTRAINT need_of_another_step CHECK ((NOT (step_id = needed_id)))
);


--
-- Name: truestep_need_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_need ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_need_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_step; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_step (
    id bigint NOT NULL,
    name character varying(100) NOT NULL,
    "position" integer NOT NULL,
    timeout double precision,
    status character varying(10) NOT NULL,
    seq bigint NOT NULL,
    attempt integer NOT NULL,
    fence bigint NOT NULL,
    waiting integer NOT NULL,
    done double precision,
    total double precision,
    progress_text character varying(200) NOT NULL,
    log_lines bigint NOT NULL,
    job_id bigint NOT NULL,
    crashes integer NOT NULL,
    failures integer NOT NULL,
    not_before timestamp with time zone,
    retries integer NOT NULL,
    retry_delay double precision NOT NULL,
    tag character varying(8) NOT NULL,
    interruptions integer NOT NULL,
    CONSTRAINT step_not_before_only_while_pending CHECK ((((status)::text = 'pending'::text) OR (not_before IS NULL))),
    CONSTRAINT step_ran_only_when_ready CHECK (((NOT ((status)::text = ANY ((ARRAY['running'::character varying, 'succeeded'::character varying])::text[]))) OR ((attempt >= 1) AND (waiting = 0)))),
    CONSTRAINT step_status_known CHECK (((status)::text = ANY ((ARRAY['pending'::character varying, 'running'::character varying, 'succeeded'::character varying, 'failed'::character varying, 'cancelled'::character varying, 'skipped'::character varying])::text[]))),
    CONSTRAINT truestep_step_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT truestep_step_crashes_check CHECK ((crashes >= 0)),
    CONSTRAINT truestep_step_failures_check CHECK ((failures >= 0)),
    CONSTRAINT truestep_step_fence_check CHECK ((fence >= 0)),
    CONSTRAINT truestep_step_interruptions_check CHECK ((interruptions >= 0)),
    CONSTRAINT truestep_step_log_lines_check CHECK ((log_lines >= 0)),
    CONSTRAINT truestep_step_position_check CHECK (("position" >= 0)),
    CONSTRAINT truestep_step_retries_check CHECK ((retries >= 0)),
    CONSTRAINT truestep_step_seq_check CHECK ((seq >= 0)),
    CONSTRAINT truestep_step_waiting_check CHECK ((waiting >= 0))
);


--
-- Name: truestep_step_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_step ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_step_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_transition; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_transition (
    id bigint NOT NULL,
    seq bigint NOT NULL,
    tag character varying(8) NOT NULL,
    kind character varying(7) NOT NULL,
    attempt integer NOT NULL,
    from_status character varying(10) NOT NULL,
    to_status character varying(10) NOT NULL,
    at timestamp with time zone NOT NULL,
    actor character varying(150) NOT NULL,
    source character varying(10) NOT NULL,
    reason character varying(500) NOT NULL,
    job_id bigint NOT NULL,
    step_id bigint,
    CONSTRAINT journal_kind_known CHECK (((kind)::text = ANY ((ARRAY['birth'::character varying, 'move'::character varying, 'request'::character varying, 'note'::character varying])::text[]))),
    CONSTRAINT journal_move_has_both_ends CHECK (((NOT ((kind)::text = 'move'::text)) OR ((NOT ((from_status)::text = ''::text)) AND (NOT ((to_status)::text = ''::text))))),
    CONSTRAINT truestep_transition_attempt_check CHECK ((attempt >= 0)),
    CONSTRAINT truestep_transition_seq_check CHECK ((seq >= 0))
);


--
-- Name: truestep_transition_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_transition ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_transition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: truestep_worker; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.truestep_worker (
    id bigint NOT NULL,
    uuid uuid NOT NULL,
    host character varying(200) NOT NULL,
    pid integer NOT NULL,
    slots integer NOT NULL,
    knows text NOT NULL,
    lock_path character varying(500) NOT NULL,
    beats bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    stopped_at timestamp with time zone,
    only_job_id bigint,
    beat_at timestamp with time zone NOT NULL,
    CONSTRAINT truestep_worker_beats_check CHECK ((beats >= 0)),
    CONSTRAINT truestep_worker_pid_check CHECK ((pid >= 0)),
    CONSTRAINT truestep_worker_slots_check CHECK ((slots >= 0))
);


--
-- Name: truestep_worker_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.truestep_worker ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.truestep_worker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Data for Name: auth_group; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: auth_group_permissions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: auth_permission; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_permission VALUES
	(1, 'Can add log entry', 1, 'add_logentry'),
	(2, 'Can change log entry', 1, 'change_logentry'),
	(3, 'Can delete log entry', 1, 'delete_logentry'),
	(4, 'Can view log entry', 1, 'view_logentry'),
	(5, 'Can add permission', 2, 'add_permission'),
	(6, 'Can change permission', 2, 'change_permission'),
	(7, 'Can delete permission', 2, 'delete_permission'),
	(8, 'Can view permission', 2, 'view_permission'),
	(9, 'Can add group', 3, 'add_group'),
	(10, 'Can change group', 3, 'change_group'),
	(11, 'Can delete group', 3, 'delete_group'),
	(12, 'Can view group', 3, 'view_group'),
	(13, 'Can add user', 4, 'add_user'),
	(14, 'Can change user', 4, 'change_user'),
	(15, 'Can delete user', 4, 'delete_user'),
	(16, 'Can view user', 4, 'view_user'),
	(17, 'Can add content type', 5, 'add_contenttype'),
	(18, 'Can change content type', 5, 'change_contenttype'),
	(19, 'Can delete content type', 5, 'delete_contenttype'),
	(20, 'Can view content type', 5, 'view_contenttype'),
	(21, 'Can add session', 6, 'add_session'),
	(22, 'Can change session', 6, 'change_session'),
	(23, 'Can delete session', 6, 'delete_session'),
	(24, 'Can view session', 6, 'view_session'),
	(25, 'Can add access attempt', 7, 'add_accessattempt'),
	(26, 'Can change access attempt', 7, 'change_accessattempt'),
	(27, 'Can delete access attempt', 7, 'delete_accessattempt'),
	(28, 'Can view access attempt', 7, 'view_accessattempt'),
	(29, 'Can add access log', 8, 'add_accesslog'),
	(30, 'Can change access log', 8, 'change_accesslog'),
	(31, 'Can delete access log', 8, 'delete_accesslog'),
	(32, 'Can view access log', 8, 'view_accesslog'),
	(33, 'Can add access failure', 9, 'add_accessfailurelog'),
	(34, 'Can change access failure', 9, 'change_accessfailurelog'),
	(35, 'Can delete access failure', 9, 'delete_accessfailurelog'),
	(36, 'Can view access failure', 9, 'view_accessfailurelog'),
	(37, 'Can add access attempt expiration', 10, 'add_accessattemptexpiration'),
	(38, 'Can change access attempt expiration', 10, 'change_accessattemptexpiration'),
	(39, 'Can delete access attempt expiration', 10, 'delete_accessattemptexpiration'),
	(40, 'Can view access attempt expiration', 10, 'view_accessattemptexpiration'),
	(41, 'Can add job', 11, 'add_job'),
	(42, 'Can change job', 11, 'change_job'),
	(43, 'Can delete job', 11, 'delete_job'),
	(44, 'Can view job', 11, 'view_job'),
	(45, 'Can launch a job', 11, 'launch_job'),
	(46, 'Can cancel and retry a job', 11, 'control_job'),
	(47, 'Can read the logs of steps', 11, 'view_log'),
	(48, 'Can add step', 12, 'add_step'),
	(49, 'Can change step', 12, 'change_step'),
	(50, 'Can delete step', 12, 'delete_step'),
	(51, 'Can view step', 12, 'view_step'),
	(52, 'Can add need', 13, 'add_need'),
	(53, 'Can change need', 13, 'change_need'),
	(54, 'Can delete need', 13, 'delete_need'),
	(55, 'Can view need', 13, 'view_need'),
	(56, 'Can add log chunk', 14, 'add_logchunk'),
	(57, 'Can change log chunk', 14, 'change_logchunk'),
	(58, 'Can delete log chunk', 14, 'delete_logchunk'),
	(59, 'Can view log chunk', 14, 'view_logchunk'),
	(60, 'Can add transition', 15, 'add_transition'),
	(61, 'Can change transition', 15, 'change_transition'),
	(62, 'Can delete transition', 15, 'delete_transition'),
	(63, 'Can view transition', 15, 'view_transition'),
	(64, 'Can add worker', 16, 'add_worker'),
	(65, 'Can change worker', 16, 'change_worker'),
	(66, 'Can delete worker', 16, 'delete_worker'),
	(67, 'Can view worker', 16, 'view_worker'),
	(68, 'Can add attempt', 17, 'add_attempt'),
	(69, 'Can change attempt', 17, 'change_attempt'),
	(70, 'Can delete attempt', 17, 'delete_attempt'),
	(71, 'Can view attempt', 17, 'view_attempt');


--
-- Data for Name: auth_user; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_user VALUES
	(1, '!yzjSxSnLqj074VS6uXIpxQTqhLcMUM65ltH0Jb8A', NULL, true, 'ada', '', '', 'ada@example.com', true, true, '2026-11-27 17:33:59.461468+00');


--
-- Data for Name: auth_user_groups; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: auth_user_user_permissions; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: axes_accessattempt; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: axes_accessattemptexpiration; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: axes_accessfailurelog; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: axes_accesslog; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: django_admin_log; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: django_content_type; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.django_content_type VALUES
	(1, 'admin', 'logentry'),
	(2, 'auth', 'permission'),
	(3, 'auth', 'group'),
	(4, 'auth', 'user'),
	(5, 'contenttypes', 'contenttype'),
	(6, 'sessions', 'session'),
	(7, 'axes', 'accessattempt'),
	(8, 'axes', 'accesslog'),
	(9, 'axes', 'accessfailurelog'),
	(10, 'axes', 'accessattemptexpiration'),
	(11, 'truestep', 'job'),
	(12, 'truestep', 'step'),
	(13, 'truestep', 'need'),
	(14, 'truestep', 'logchunk'),
	(15, 'truestep', 'transition'),
	(16, 'truestep', 'worker'),
	(17, 'truestep', 'attempt'),
	(18, 'truestep', 'intent');


--
-- Data for Name: django_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.django_migrations VALUES
	(1, 'contenttypes', '0001_initial', '2026-11-27 17:33:58.125855+00'),
	(2, 'auth', '0001_initial', '2026-11-27 17:33:58.21056+00'),
	(3, 'admin', '0001_initial', '2026-11-27 17:33:58.238457+00'),
	(4, 'admin', '0002_logentry_remove_auto_add', '2026-11-27 17:33:58.246329+00'),
	(5, 'admin', '0003_logentry_add_action_flag_choices', '2026-11-27 17:33:58.254048+00'),
	(6, 'contenttypes', '0002_remove_content_type_name', '2026-11-27 17:33:58.274712+00'),
	(7, 'auth', '0002_alter_permission_name_max_length', '2026-11-27 17:33:58.2787+00'),
	(8, 'auth', '0003_alter_user_email_max_length', '2026-11-27 17:33:58.298134+00'),
	(9, 'auth', '0004_alter_user_username_opts', '2026-11-27 17:33:58.309779+00'),
	(10, 'auth', '0005_alter_user_last_login_null', '2026-11-27 17:33:58.31693+00'),
	(11, 'auth', '0006_require_contenttypes_0002', '2026-11-27 17:33:58.317805+00'),
	(12, 'auth', '0007_alter_validators_add_error_messages', '2026-11-27 17:33:58.329664+00'),
	(13, 'auth', '0008_alter_user_username_max_length', '2026-11-27 17:33:58.347809+00'),
	(14, 'auth', '0009_alter_user_last_name_max_length', '2026-11-27 17:33:58.356005+00'),
	(15, 'auth', '0010_alter_group_name_max_length', '2026-11-27 17:33:58.366523+00'),
	(16, 'auth', '0011_update_proxy_permissions', '2026-11-27 17:33:58.372702+00'),
	(17, 'auth', '0012_alter_user_first_name_max_length', '2026-11-27 17:33:58.385936+00'),
	(18, 'axes', '0001_initial', '2026-11-27 17:33:58.401841+00'),
	(19, 'axes', '0002_auto_20151217_2044', '2026-11-27 17:33:58.434886+00'),
	(20, 'axes', '0003_auto_20160322_0929', '2026-11-27 17:33:58.454515+00'),
	(21, 'axes', '0004_auto_20181024_1538', '2026-11-27 17:33:58.470369+00'),
	(22, 'axes', '0005_remove_accessattempt_trusted', '2026-11-27 17:33:58.486104+00'),
	(23, 'axes', '0006_remove_accesslog_trusted', '2026-11-27 17:33:58.488002+00'),
	(24, 'axes', '0007_alter_accessattempt_unique_together', '2026-11-27 17:33:58.50177+00'),
	(25, 'axes', '0008_accessfailurelog', '2026-11-27 17:33:58.526481+00'),
	(26, 'axes', '0009_add_session_hash', '2026-11-27 17:33:58.53761+00'),
	(27, 'axes', '0010_accessattemptexpiration', '2026-11-27 17:33:58.548061+00'),
	(28, 'sessions', '0001_initial', '2026-11-27 17:33:58.581878+00'),
	(29, 'truestep', '0001_initial', '2026-11-27 17:33:58.916684+00'),
	(30, 'truestep', '0002_attempts_and_retries', '2026-11-27 17:33:59.087231+00'),
	(31, 'truestep', '0003_intents', '2026-11-27 17:33:59.090597+00'),
	(32, 'truestep', '0004_job_understood', '2026-11-27 17:33:59.102485+00'),
	(33, 'truestep', '0005_list_indexes', '2026-11-27 17:33:59.297877+00'),
	(34, 'truestep', '0006_interruptions', '2026-11-27 17:33:59.327271+00'),
	(35, 'truestep', '0007_living_and_pausing', '2026-11-27 17:33:59.362206+00');


--
-- Data for Name: django_session; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: truestep_attempt; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_attempt VALUES
	(1, 1, '2026-11-27 17:34:01.792775+00', '2026-11-27 17:34:03.962+00', '{"rows": 3, "note": "a \"quoted\" name:\nsecond line", "\u03c0": 3.14}', '', '', 4, 1, 'returned'),
	(3, 1, '2026-11-27 17:34:03.962+00', '2026-11-27 17:34:03.982343+00', NULL, '', '', 5, 1, 'returned'),
	(5, 1, '2026-11-27 17:34:03.982343+00', '2026-11-27 17:34:04.004473+00', '["gr\u00f6\u00dfer", null, true]', '', '', 6, 1, 'returned'),
	(7, 1, '2026-11-27 17:34:04.022104+00', '2026-11-27 17:34:04.04713+00', '{"rows": 3, "note": "a \"quoted\" name:\nsecond line", "\u03c0": 3.14}', '', '', 7, 1, 'returned'),
	(9, 1, '2026-11-27 17:34:04.04713+00', '2026-11-27 17:34:04.066885+00', NULL, '', '', 8, 1, 'returned'),
	(11, 1, '2026-11-27 17:34:04.066885+00', '2026-11-27 17:34:04.07828+00', '["gr\u00f6\u00dfer", null, true]', '', '', 9, 1, 'returned'),
	(13, 1, '2026-11-27 17:34:04.088605+00', '2026-11-27 17:34:04.121822+00', '{"rows": 3, "note": "a \"quoted\" name:\nsecond line", "\u03c0": 3.14}', '', '', 10, 1, 'returned'),
	(15, 1, '2026-11-27 17:34:04.121822+00', '2026-11-27 17:34:04.154178+00', NULL, '', '', 11, 1, 'returned'),
	(17, 1, '2026-11-27 17:34:04.154178+00', '2026-11-27 17:34:04.181483+00', '["gr\u00f6\u00dfer", null, true]', '', '', 12, 1, 'returned'),
	(19, 1, '2026-11-27 17:34:04.206797+00', '2026-11-27 17:34:04.242797+00', '{"rows": 3, "note": "a \"quoted\" name:\nsecond line", "\u03c0": 3.14}', '', '', 13, 1, 'returned'),
	(21, 1, '2026-11-27 17:34:04.242797+00', '2026-11-27 17:34:04.266118+00', NULL, '', '', 14, 1, 'returned'),
	(23, 1, '2026-11-27 17:34:04.266118+00', '2026-11-27 17:34:04.284184+00', '["gr\u00f6\u00dfer", null, true]', '', '', 15, 1, 'returned'),
	(25, 1, '2026-11-27 17:34:04.304102+00', '2026-11-27 17:34:04.327836+00', NULL, 'ValueError: it''s "bad": no
second line, ‮gnp.exe', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 49, in größe_messen
    raise ValueError("it''s \"bad\": no\nsecond line, \u202egnp.exe")
ValueError: it''s "bad": no
second line, ‮gnp.exe
', 16, 1, 'failed'),
	(27, 1, '2026-11-27 17:34:04.327836+00', '2026-11-27 17:34:04.357365+00', NULL, '', '', 20, 1, 'returned'),
	(29, 1, '2026-11-27 17:34:04.380925+00', '2026-11-27 17:34:04.415675+00', NULL, 'RuntimeError: odd', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 65, in _odd
    raise RuntimeError("odd")
RuntimeError: odd
', 21, 1, 'failed'),
	(31, 1, '2026-11-27 17:34:04.432675+00', '2026-11-27 17:34:04.489451+00', NULL, 'OSError: not yet', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 109, in flaky
    raise OSError("not yet")
OSError: not yet
', 23, 1, 'failed'),
	(33, 1, '2026-11-27 17:34:04.507233+00', '2026-11-27 17:34:04.526943+00', NULL, 'NoRetry: no further attempt would help', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 125, in only
    raise NoRetry("no further attempt would help")
jobs.exceptions.NoRetry: no further attempt would help
', 25, 1, 'failed'),
	(35, 1, '2026-11-27 17:34:04.549796+00', '2026-11-27 17:34:04.561865+00', NULL, 'SystemExit: the step called sys.exit(I am leaving)', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 131, in only
    sys.exit("I am leaving")
SystemExit: I am leaving
', 26, 1, 'failed'),
	(37, 1, '2026-11-27 17:34:04.575593+00', '2026-11-27 17:34:04.584452+00', NULL, 'The step returned what would not come back equal: result is a set. Return None, numbers, text, lists and dicts with text keys.', '', 27, 1, 'failed'),
	(39, 1, '2026-11-27 17:34:04.584452+00', '2026-11-27 17:34:04.626956+00', NULL, 'The step was stopped by SIGTERM, which its worker had not sent.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 141, in is_told_to_stop
    os.kill(os.getpid(), signal.SIGTERM)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 28, 1, 'failed'),
	(41, 2, '2026-11-27 17:34:04.647658+00', '2026-11-27 17:34:04.669719+00', NULL, 'OSError: not yet', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 109, in flaky
    raise OSError("not yet")
OSError: not yet
', 23, 1, 'failed'),
	(43, 1, '2026-11-27 17:34:04.679754+00', '2026-11-27 17:34:04.898267+00', NULL, 'Timed out after 0.2 s.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 148, in slow
    time.sleep(30)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 29, 1, 'timed out'),
	(45, 1, '2026-11-27 17:34:04.898267+00', '2026-11-27 17:34:05.143783+00', NULL, 'Timed out after 0.2 s.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 152, in slow_twice
    time.sleep(30)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 30, 1, 'timed out'),
	(47, 3, '2026-11-27 17:34:05.18567+00', '2026-11-27 17:34:05.263142+00', '3', '', '', 23, 1, 'returned'),
	(49, 1, '2026-11-27 17:34:05.263142+00', '2026-11-27 17:34:05.278227+00', NULL, '', '', 24, 1, 'returned'),
	(51, 2, '2026-11-27 17:34:05.302005+00', '2026-11-27 17:34:05.53134+00', NULL, 'Timed out after 0.2 s.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 152, in slow_twice
    time.sleep(30)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 30, 1, 'timed out'),
	(53, 1, '2026-11-27 17:34:05.581188+00', '2026-11-27 17:34:05.611386+00', NULL, 'The step''s process was killed by signal 9 (SIGKILL) before the step returned.', '', 31, 1, 'died'),
	(55, 1, '2026-11-27 17:34:05.611386+00', '2026-11-27 17:34:05.663139+00', NULL, 'The step''s process was killed by signal 9 (SIGKILL) before the step returned.', '', 32, 1, 'died'),
	(57, 2, '2026-11-27 17:34:05.701461+00', '2026-11-27 17:34:05.741032+00', NULL, 'The step''s process was killed by signal 9 (SIGKILL) before the step returned.', '', 32, 1, 'died'),
	(59, 1, '2026-11-27 17:34:05.786178+00', '2026-11-27 17:34:05.835327+00', NULL, 'ConnectionError: away', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 119, in pause
    raise ConnectionError("away")
ConnectionError: away
', 33, 1, 'failed'),
	(61, 1, '2026-11-27 17:34:05.881102+00', '2026-11-27 17:34:05.942699+00', NULL, 'FileNotFoundError: repaired', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 170, in left
    self._ask(run)
  File "/srv/truestep/maker/jobs.py", line 181, in _ask
    raise FileNotFoundError("repaired")
FileNotFoundError: repaired
', 34, 1, 'failed'),
	(63, 1, '2026-11-27 17:34:05.942699+00', '2026-11-27 17:34:05.986371+00', NULL, 'FileNotFoundError: repaired', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 174, in right
    self._ask(run)
  File "/srv/truestep/maker/jobs.py", line 181, in _ask
    raise FileNotFoundError("repaired")
FileNotFoundError: repaired
', 35, 1, 'failed'),
	(65, 2, '2026-11-27 17:34:06.081748+00', '2026-11-27 17:34:06.108+00', NULL, 'FileNotFoundError: repaired', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 170, in left
    self._ask(run)
  File "/srv/truestep/maker/jobs.py", line 181, in _ask
    raise FileNotFoundError("repaired")
FileNotFoundError: repaired
', 34, 1, 'failed'),
	(67, 3, '2026-11-27 17:34:06.150199+00', '2026-11-27 17:34:06.162138+00', NULL, 'FileNotFoundError: repaired', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 170, in left
    self._ask(run)
  File "/srv/truestep/maker/jobs.py", line 181, in _ask
    raise FileNotFoundError("repaired")
FileNotFoundError: repaired
', 34, 1, 'failed'),
	(69, 2, '2026-11-27 17:34:06.162138+00', '2026-11-27 17:34:06.190748+00', NULL, 'FileNotFoundError: repaired', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 174, in right
    self._ask(run)
  File "/srv/truestep/maker/jobs.py", line 181, in _ask
    raise FileNotFoundError("repaired")
FileNotFoundError: repaired
', 35, 1, 'failed'),
	(71, 4, '2026-11-27 17:34:06.252823+00', '2026-11-27 17:34:06.282131+00', NULL, '', '', 34, 1, 'returned'),
	(73, 3, '2026-11-27 17:34:06.282131+00', '2026-11-27 17:34:06.312318+00', NULL, '', '', 35, 1, 'returned'),
	(75, 1, '2026-11-27 17:34:06.312318+00', '2026-11-27 17:34:06.334778+00', NULL, '', '', 36, 1, 'returned'),
	(77, 2, '2026-11-27 17:34:06.522554+00', '2026-11-27 17:34:06.55194+00', NULL, 'ValueError: it''s "bad": no
second line, ‮gnp.exe', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 49, in größe_messen
    raise ValueError("it''s \"bad\": no\nsecond line, \u202egnp.exe")
ValueError: it''s "bad": no
second line, ‮gnp.exe
', 16, 1, 'failed'),
	(79, 1, '2026-11-27 17:34:06.578196+00', '2026-11-27 17:34:06.605424+00', NULL, '', '', 1, 1, 'returned'),
	(81, 1, '2026-11-27 17:34:06.605424+00', '2026-11-27 17:34:06.75073+00', NULL, 'Cancelled while it ran.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 88, in waiting
    wait(run)
  File "/srv/truestep/maker/jobs.py", line 18, in wait
    time.sleep(0.02)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 2, 1, 'stopped'),
	(83, 1, '2026-11-27 17:34:10.858178+00', '2026-11-27 17:34:10.884471+00', NULL, '', '', 39, 2, 'returned'),
	(85, 1, '2026-11-27 17:34:10.884471+00', '2026-11-27 17:34:10.942142+00', NULL, 'Its worker stopped.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 88, in waiting
    wait(run)
  File "/srv/truestep/maker/jobs.py", line 18, in wait
    time.sleep(0.02)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 40, 2, 'handed back'),
	(87, 2, '2026-11-27 17:34:13.955822+00', '2026-11-27 17:34:16.522241+00', NULL, 'Its worker did not run for 2 s.', '', 40, 3, 'interrupted'),
	(89, 3, '2026-11-27 17:34:16.539276+00', '2026-11-27 17:34:16.600916+00', '"waited"', '', '', 40, 3, 'returned'),
	(91, 1, '2026-11-27 17:34:16.600916+00', '2026-11-27 17:34:16.640369+00', NULL, '', '', 41, 3, 'returned'),
	(93, 1, '2026-11-27 17:34:16.665157+00', '2026-11-27 17:34:19.131389+00', NULL, 'The worker shop-1:31781 is gone (killed or crashed), and the step with it.', '', 42, 3, 'lost'),
	(95, 2, '2026-11-27 17:34:19.236662+00', '2026-11-27 17:34:24.767325+00', NULL, 'The worker shop-1:32228 has shown no sign of life for 3 s, and the step with it.', '', 42, 4, 'lost'),
	(97, 1, '2026-11-27 17:34:28.284234+00', '2026-11-27 17:34:28.34234+00', NULL, '', '', 44, 7, 'returned'),
	(99, 1, '2026-11-27 17:34:28.34234+00', '2026-11-27 17:34:28.412799+00', NULL, 'Cancelled while it ran.', 'Traceback (most recent call last):
  File "/srv/truestep/maker/jobs.py", line 88, in waiting
    wait(run)
  File "/srv/truestep/maker/jobs.py", line 18, in wait
    time.sleep(0.02)
  File "/srv/truestep/jobs/slots/slot.py", line 160, in _on_term
    raise StepStopped(STOPPED)
jobs.exceptions.StepStopped: asked to stop
', 45, 7, 'stopped'),
	(101, 3, '2026-11-27 17:34:30.319817+00', '2026-11-27 17:34:30.389991+00', NULL, '', '', 42, 8, 'returned'),
	(103, 1, '2026-11-27 17:34:30.389991+00', '2026-11-27 17:34:30.41391+00', NULL, '', '', 43, 8, 'returned'),
	(105, 1, '2026-11-27 17:34:31.040329+00', '2026-11-27 17:34:31.046237+00', NULL, 'its worker never began it.', '', 47, 9, 'interrupted'),
	(107, 2, '2026-11-27 17:34:31.057981+00', '2026-11-27 17:34:31.082445+00', NULL, 'its worker was taken for dead, and began anew.', '', 47, 9, 'interrupted'),
	(109, 3, '2026-11-27 17:34:31.097916+00', '2026-11-27 17:34:31.100802+00', NULL, 'The step was interrupted 3 times in all (TRUESTEP[''crashes'']).
Attempt 1: its worker never began it.
Attempt 2: its worker was taken for dead, and began anew.
Attempt 3: its worker could not reach the database for 1 min 05 s.', '', 47, 9, 'interrupted'),
	(111, 1, '2026-11-27 17:34:31.134685+00', '2026-11-27 17:34:31.183718+00', NULL, 'OSError: no', '', 49, 9, 'failed'),
	(113, 1, '2026-11-27 17:34:31.223208+00', '2026-11-27 17:34:31.24711+00', NULL, 'its worker showed no sign of life for too long.', '', 51, 9, 'interrupted'),
	(115, 2, '2026-11-27 17:34:31.254065+00', '2026-11-27 17:34:31.264854+00', NULL, 'its worker broke: RuntimeError.', '', 51, 9, 'lost');


--
-- Data for Name: truestep_intent; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: truestep_job; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_job VALUES
	(7, '067718d6-2f29-4af6-be1e-0fa9c55443dc', 'odd', '{}', 'failed', 6, false, '2026-11-27 17:34:02.958893+00', '2026-11-27 17:34:04.380925+00', '2026-11-27 17:34:04.415675+00', NULL, '8a4bc59e', '{"fields": {}, "added": {}, "read": {}}'),
	(14, '937668e5-1008-4303-8fa9-3ab24914f76f', 'pauses', '{}', 'running', 4, false, '2026-11-27 17:34:03.017322+00', '2026-11-27 17:34:05.786178+00', NULL, NULL, 'a527a36e', '{"fields": {}, "added": {}, "read": {}}'),
	(9, '5ed32980-43a8-4175-be34-dcf92505fbde', 'hopeless', '{}', 'failed', 5, false, '2026-11-27 17:34:02.976579+00', '2026-11-27 17:34:04.507233+00', '2026-11-27 17:34:04.526943+00', NULL, '257b5f1b', '{"fields": {}, "added": {}, "read": {}}'),
	(2, '42bf606a-9d49-4208-970c-b7d3bbc4d2ba', 'import', '{"path": ["/data/a b.csv"]}', 'succeeded', 12, false, '2026-11-27 17:34:01.660879+00', '2026-11-27 17:34:01.792775+00', '2026-11-27 17:34:04.004473+00', NULL, 'ebdf4ffb', '{"fields": {"path": "/data/a b.csv", "rows": 3}, "added": {}, "read": {}}'),
	(10, 'ad86bfc7-b258-493a-912d-08c48a13bb33', 'exits', '{}', 'failed', 5, false, '2026-11-27 17:34:02.985083+00', '2026-11-27 17:34:04.549796+00', '2026-11-27 17:34:04.561865+00', NULL, 'f5f8a302', '{"fields": {}, "added": {}, "read": {}}'),
	(3, 'b04a506e-6ddf-4c23-af03-60546944bb99', 'import', '{"path": ["x"]}', 'succeeded', 9, false, '2026-11-27 17:34:01.698716+00', '2026-11-27 17:34:04.022104+00', '2026-11-27 17:34:04.07828+00', 2, 'ba8ff138', '{"fields": {"path": "x", "rows": 3}, "added": {}, "read": {}}'),
	(4, 'a63ab4ce-883c-4f98-9ff2-6f392d355651', 'import', '{"path": ["y"]}', 'succeeded', 9, false, '2026-11-27 17:34:01.75068+00', '2026-11-27 17:34:04.088605+00', '2026-11-27 17:34:04.181483+00', 2, 'ccfa0e36', '{"fields": {"path": "y", "rows": 3}, "added": {}, "read": {}}'),
	(11, 'a898323e-5a29-4414-b980-62af12e56680', 'unusable', '{}', 'failed', 7, false, '2026-11-27 17:34:02.991608+00', '2026-11-27 17:34:04.575593+00', '2026-11-27 17:34:04.626956+00', NULL, 'dd065271', '{"fields": {}, "added": {}, "read": {}}'),
	(19, 'b8366c5f-d9ad-4dfe-b36f-bdde3f7b584d', 'waits', '{}', 'cancelled', 10, true, '2026-11-27 17:34:28.219664+00', '2026-11-27 17:34:28.284234+00', '2026-11-27 17:34:28.412799+00', NULL, '58b72f88', '{"fields": {}, "added": {}, "read": {}}'),
	(5, 'fb48986d-0797-42e3-a1e2-54b0933729de', 'import', '{"path": ["z"]}', 'succeeded', 9, false, '2026-11-27 17:34:01.8975+00', '2026-11-27 17:34:04.206797+00', '2026-11-27 17:34:04.284184+00', 2, 'b9cfbbab', '{"fields": {"path": "z", "rows": 3}, "added": {}, "read": {}}'),
	(8, 'd1938efc-698f-4b8a-b8e2-8e742eee6437', 'flaky', '{}', 'succeeded', 11, false, '2026-11-27 17:34:02.965119+00', '2026-11-27 17:34:04.432675+00', '2026-11-27 17:34:05.278227+00', NULL, '3ec9aa32', '{"fields": {}, "added": {}, "read": {}}'),
	(12, 'fc389922-0736-4a01-b463-a67c957b1033', 'times_out', '{}', 'failed', 9, false, '2026-11-27 17:34:03.005433+00', '2026-11-27 17:34:04.679754+00', '2026-11-27 17:34:05.53134+00', NULL, 'b73a2251', '{"fields": {}, "added": {}, "read": {}}'),
	(13, '0f3e8c55-559e-4639-b8c4-5f425dac0553', 'dies', '{}', 'failed', 9, false, '2026-11-27 17:34:03.014939+00', '2026-11-27 17:34:05.581188+00', '2026-11-27 17:34:05.741032+00', NULL, 'eaf94926', '{"fields": {}, "added": {}, "read": {}}'),
	(1, 'a259e4ba-113f-4347-b990-25e8c3787606', 'waits', '{}', 'cancelled', 21, true, '2026-11-27 17:33:59.466284+00', '2026-11-27 17:34:06.578196+00', '2026-11-27 17:34:06.75073+00', NULL, '47bde282', '{"fields": {}, "added": {}, "read": {}}'),
	(16, '591fb35f-250c-4762-b67b-b433b2b941bc', 'stranger', '{}', 'failed', 4, false, '2026-11-27 17:34:06.77654+00', NULL, '2026-11-27 17:34:07.909873+00', NULL, 'e8361699', '{"fields": {}, "added": {}, "read": {}}'),
	(15, '62702acb-e92f-44da-93c3-188a718e8bad', 'repairable', '{}', 'succeeded', 43, false, '2026-11-27 17:34:05.788847+00', '2026-11-27 17:34:06.252823+00', '2026-11-27 17:34:06.334778+00', NULL, '0e0cac75', '{"fields": {}, "added": {}, "read": {}}'),
	(6, 'c8c53d36-9c7e-45ed-8c5f-4443493a5a08', 'breaks', '{}', 'failed', 23, false, '2026-11-27 17:34:02.951503+00', '2026-11-27 17:34:06.522554+00', '2026-11-27 17:34:06.55194+00', NULL, '6a94f024', '{"fields": {}, "added": {}, "read": {}}'),
	(22, 'e989766b-430f-477f-a08d-b8ae281ec29b', 'waits', '{}', 'failed', 9, false, '2026-11-27 17:34:31.195193+00', '2026-11-27 17:34:31.223208+00', '2026-11-27 17:34:31.264854+00', NULL, 'a120f7a4', '{"fields": {}, "added": {}, "read": {}}'),
	(18, '2da66de4-8621-4d9e-8e70-9dfb3d123d2c', 'waits_and_retries', '{}', 'succeeded', 19, false, '2026-11-27 17:34:10.84655+00', '2026-11-27 17:34:30.319817+00', '2026-11-27 17:34:30.41391+00', NULL, 'b9a4fb41', '{"fields": {}, "added": {}, "read": {}}'),
	(23, 'b42e089a-4893-4d95-85b5-87499b12cfa1', 'waits', '{}', 'pending', 1, false, '2026-11-27 17:34:31.297709+00', NULL, NULL, NULL, 'e3a25c74', '{"fields": {}, "added": {}, "read": {}}'),
	(17, '147f260e-ee5b-4096-b209-0abaef74c98f', 'waits', '{}', 'succeeded', 13, false, '2026-11-27 17:34:10.822684+00', '2026-11-27 17:34:10.858178+00', '2026-11-27 17:34:16.640369+00', NULL, '2b95032b', '{"fields": {}, "added": {}, "read": {}}'),
	(20, '68d1c4c9-87d8-4270-81b7-1035ac7ecbf6', 'waits_and_retries', '{}', 'failed', 10, false, '2026-11-27 17:34:31.028238+00', '2026-11-27 17:34:31.040329+00', '2026-11-27 17:34:31.100802+00', NULL, '55b45dd2', '{"fields": {}, "added": {}, "read": {}}'),
	(21, 'a2a1bf2d-7cad-48d8-81db-fae347a92dc4', 'waits_and_retries', '{}', 'cancelled', 7, true, '2026-11-27 17:34:31.106328+00', '2026-11-27 17:34:31.134685+00', '2026-11-27 17:34:31.183718+00', NULL, 'bb48afa6', '{"fields": {}, "added": {}, "read": {}}');


--
-- Data for Name: truestep_logchunk; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_logchunk VALUES
	(1, 1, 1, 2, 'opening /data/a b.csv
␛[32mgreen␛[0m and	tabbed, ''quoted'', "twice": done', 'ii', '[1795800841883, 1795800841883]', 4),
	(2, 1, 1, 3, 'row 0
row 1
row 2', 'iwi', '[1795800843977, 1795800843977, 1795800843977]', 5),
	(3, 1, 1, 2, 'opening x
␛[32mgreen␛[0m and	tabbed, ''quoted'', "twice": done', 'ii', '[1795800844038, 1795800844038]', 7),
	(4, 1, 1, 3, 'row 0
row 1
row 2', 'iwi', '[1795800844064, 1795800844064, 1795800844064]', 8),
	(5, 1, 1, 2, 'opening y
␛[32mgreen␛[0m and	tabbed, ''quoted'', "twice": done', 'ii', '[1795800844115, 1795800844115]', 10),
	(6, 1, 1, 3, 'row 0
row 1
row 2', 'iwi', '[1795800844144, 1795800844144, 1795800844145]', 11),
	(7, 1, 1, 2, 'opening z
␛[32mgreen␛[0m and	tabbed, ''quoted'', "twice": done', 'ii', '[1795800844228, 1795800844228]', 13),
	(8, 1, 1, 3, 'row 0
row 1
row 2', 'iwi', '[1795800844254, 1795800844254, 1795800844254]', 14),
	(9, 1, 1, 1, 'attempt 1', 'i', '[1795800844473]', 23),
	(10, 2, 2, 2, 'attempt 2', 'i', '[1795800844659]', 23),
	(11, 3, 3, 3, 'attempt 3', 'i', '[1795800845231]', 23);


--
-- Data for Name: truestep_need; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_need VALUES
	(1, 1, 2),
	(2, 2, 3),
	(3, 4, 5),
	(4, 4, 6),
	(5, 7, 8),
	(6, 7, 9),
	(7, 10, 11),
	(8, 10, 12),
	(9, 13, 14),
	(10, 13, 15),
	(11, 16, 17),
	(12, 17, 18),
	(13, 18, 19),
	(14, 21, 22),
	(15, 23, 24),
	(16, 34, 36),
	(17, 35, 36),
	(18, 37, 38),
	(19, 39, 40),
	(20, 40, 41),
	(21, 42, 43),
	(22, 44, 45),
	(23, 45, 46),
	(24, 47, 48),
	(25, 49, 50),
	(26, 51, 52),
	(27, 52, 53),
	(28, 54, 55),
	(29, 55, 56);


--
-- Data for Name: truestep_step; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_step VALUES
	(4, 'fetch', 0, NULL, 'succeeded', 7, 1, 2, 0, NULL, NULL, '', 2, 2, 0, 0, NULL, 0, 1, '9597b5a3', 0),
	(12, 'report', 2, NULL, 'succeeded', 8, 1, 2, 0, NULL, NULL, '', 0, 4, 0, 0, NULL, 0, 1, 'f4c122c9', 0),
	(5, 'load', 1, NULL, 'succeeded', 9, 1, 2, 0, 3, 3, 'loading', 3, 2, 0, 0, NULL, 0, 1, '3179da35', 0),
	(6, 'report', 2, NULL, 'succeeded', 11, 1, 2, 0, NULL, NULL, '', 0, 2, 0, 0, NULL, 0, 1, 'd832644d', 0),
	(7, 'fetch', 0, NULL, 'succeeded', 4, 1, 2, 0, NULL, NULL, '', 2, 3, 0, 0, NULL, 0, 1, 'd8e75152', 0),
	(8, 'load', 1, NULL, 'succeeded', 6, 1, 2, 0, 3, 3, 'loading', 3, 3, 0, 0, NULL, 0, 1, '6adae934', 0),
	(9, 'report', 2, NULL, 'succeeded', 8, 1, 2, 0, NULL, NULL, '', 0, 3, 0, 0, NULL, 0, 1, 'd618bd30', 0),
	(10, 'fetch', 0, NULL, 'succeeded', 4, 1, 2, 0, NULL, NULL, '', 2, 4, 0, 0, NULL, 0, 1, 'fbd68be5', 0),
	(20, 'sibling', 4, NULL, 'succeeded', 9, 1, 2, 0, NULL, NULL, '', 0, 6, 0, 0, NULL, 0, 1, 'c9178eb2', 0),
	(11, 'load', 1, NULL, 'succeeded', 6, 1, 2, 0, 3, 3, 'loading', 3, 4, 0, 0, NULL, 0, 1, '130b5f00', 0),
	(13, 'fetch', 0, NULL, 'succeeded', 4, 1, 2, 0, NULL, NULL, '', 2, 5, 0, 0, NULL, 0, 1, 'f751240d', 0),
	(14, 'load', 1, NULL, 'succeeded', 6, 1, 2, 0, 3, 3, 'loading', 3, 5, 0, 0, NULL, 0, 1, '137f6951', 0),
	(15, 'report', 2, NULL, 'succeeded', 8, 1, 2, 0, NULL, NULL, '', 0, 5, 0, 0, NULL, 0, 1, '05b09970', 0),
	(22, 'needs ''y''', 1, NULL, 'skipped', 5, 0, 1, 1, NULL, NULL, '', 0, 7, 0, 0, NULL, 0, 1, '9fb81b10', 0),
	(21, 'x, which was not successful; retry 1 of 2 in 3 s: it''s', 0, NULL, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 7, 0, 1, NULL, 0, 1, '059fd146', 0),
	(27, 'returns_a_set', 0, NULL, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 11, 0, 1, NULL, 0, 1, '679d7b0f', 0),
	(25, 'only', 0, NULL, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 9, 0, 1, NULL, 5, 1, '16c070e3', 0),
	(26, 'only', 0, NULL, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 10, 0, 1, NULL, 0, 1, '636692ae', 0),
	(28, 'is_told_to_stop', 1, NULL, 'failed', 6, 1, 2, 0, NULL, NULL, '', 0, 11, 0, 1, NULL, 0, 1, 'b901e871', 0),
	(29, 'slow', 0, 0.2, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 12, 0, 1, NULL, 0, 1, 'd75c41f6', 0),
	(30, 'slow_twice', 1, 0.2, 'failed', 8, 2, 4, 0, NULL, NULL, '', 0, 12, 0, 2, NULL, 1, 0, '31fb6203', 0),
	(23, 'flaky', 0, NULL, 'succeeded', 8, 3, 6, 0, NULL, NULL, '', 3, 8, 0, 2, NULL, 2, 0.1, '29d82368', 0),
	(24, 'after', 1, NULL, 'succeeded', 10, 1, 2, 0, NULL, NULL, '', 0, 8, 0, 0, NULL, 0, 1, '2ab5611f', 0),
	(31, 'once', 0, NULL, 'failed', 4, 1, 2, 0, NULL, NULL, '', 0, 13, 1, 1, NULL, 0, 1, '3995c294', 0),
	(32, 'each_time', 1, NULL, 'failed', 8, 2, 4, 0, NULL, NULL, '', 0, 13, 2, 2, NULL, 9, 0, '7a7e84e2', 0),
	(1, 'before', 0, NULL, 'succeeded', 14, 1, 4, 0, NULL, NULL, '', 0, 1, 0, 0, NULL, 0, 1, '5f670a95', 0),
	(35, 'right', 1, NULL, 'succeeded', 37, 3, 8, 0, NULL, NULL, '', 0, 15, 0, 0, NULL, 0, 1, '8c32d418', 0),
	(34, 'left', 0, NULL, 'succeeded', 35, 4, 11, 0, NULL, NULL, '', 0, 15, 0, 0, NULL, 0, 1, '7d7ed6a0', 0),
	(36, 'both', 2, NULL, 'succeeded', 39, 1, 6, 0, NULL, NULL, '', 0, 15, 0, 0, NULL, 0, 1, 'f58f2dc2', 0),
	(3, 'after', 2, NULL, 'cancelled', 17, 0, 3, 1, NULL, NULL, '', 0, 1, 0, 0, NULL, 0, 1, 'e5da04c2', 0),
	(2, 'waiting', 1, NULL, 'cancelled', 20, 1, 4, 0, NULL, NULL, '', 0, 1, 0, 0, NULL, 0, 1, '9ed1a2a8', 0),
	(37, 'it_s_own', 0, NULL, 'failed', 2, 0, 1, 0, NULL, NULL, '', 0, 16, 0, 0, NULL, 0, 1, 'edc49f2a', 0),
	(38, 'after', 1, NULL, 'skipped', 3, 0, 1, 1, NULL, NULL, '', 0, 16, 0, 0, NULL, 0, 1, '3d8e1356', 0),
	(19, 'after_that', 3, NULL, 'skipped', 22, 0, 3, 1, NULL, NULL, '', 0, 6, 0, 0, NULL, 0, 1, 'fbfb7a97', 0),
	(18, 'שלב', 2, NULL, 'skipped', 21, 0, 3, 1, NULL, NULL, '', 0, 6, 0, 0, NULL, 0, 1, 'c46479f4', 0),
	(17, '集計', 1, NULL, 'skipped', 20, 0, 3, 1, NULL, NULL, '', 0, 6, 0, 0, NULL, 0, 1, '4965047c', 0),
	(16, 'größe_messen', 0, NULL, 'failed', 19, 2, 5, 0, NULL, NULL, '', 0, 6, 0, 1, NULL, 0, 1, '3d596793', 0),
	(39, 'before', 0, NULL, 'succeeded', 4, 1, 2, 0, NULL, NULL, '', 0, 17, 0, 0, NULL, 0, 1, '4e9ce4bc', 0),
	(40, 'waiting', 1, NULL, 'succeeded', 10, 3, 6, 0, NULL, NULL, '', 0, 17, 0, 0, NULL, 0, 1, '3f7e4f7a', 1),
	(41, 'after', 2, NULL, 'succeeded', 12, 1, 2, 0, NULL, NULL, '', 0, 17, 0, 0, NULL, 0, 1, '18aaf237', 0),
	(33, 'pause', 0, NULL, 'pending', 4, 1, 2, 0, NULL, NULL, '', 0, 14, 0, 1, '2100-01-01 00:00:00+00', 5, 3600, 'a527a36e', 0),
	(46, 'after', 2, NULL, 'cancelled', 7, 0, 1, 1, NULL, NULL, '', 0, 19, 0, 0, NULL, 0, 1, '02f8abf5', 0),
	(45, 'waiting', 1, NULL, 'cancelled', 9, 1, 2, 0, NULL, NULL, '', 0, 19, 0, 0, NULL, 0, 1, '2c680e38', 0),
	(44, 'before', 0, NULL, 'succeeded', 4, 1, 2, 0, NULL, NULL, '', 0, 19, 0, 0, NULL, 0, 1, '8dda3453', 0),
	(42, 'waiting', 0, NULL, 'succeeded', 16, 3, 7, 0, NULL, NULL, '', 0, 18, 0, 0, NULL, 1, 0.1, '1eb7e986', 0),
	(43, 'after', 1, NULL, 'succeeded', 18, 1, 4, 0, NULL, NULL, '', 0, 18, 0, 0, NULL, 0, 1, '804c7fa0', 0),
	(48, 'after', 1, NULL, 'skipped', 9, 0, 1, 1, NULL, NULL, '', 0, 20, 0, 0, NULL, 0, 1, '7eb1b399', 0),
	(47, 'waiting', 0, NULL, 'failed', 8, 3, 6, 0, NULL, NULL, '', 0, 20, 0, 0, NULL, 1, 0.1, 'defae81a', 3),
	(50, 'after', 1, NULL, 'cancelled', 5, 0, 1, 1, NULL, NULL, '', 0, 21, 0, 0, NULL, 0, 1, 'f7b4b55e', 0),
	(49, 'waiting', 0, NULL, 'cancelled', 6, 1, 2, 0, NULL, NULL, '', 0, 21, 0, 1, NULL, 1, 0.1, '765f6c17', 0),
	(52, 'waiting', 1, NULL, 'skipped', 7, 0, 1, 1, NULL, NULL, '', 0, 22, 0, 0, NULL, 0, 1, '0ebfc214', 0),
	(53, 'after', 2, NULL, 'skipped', 8, 0, 1, 1, NULL, NULL, '', 0, 22, 0, 0, NULL, 0, 1, 'f1ec7067', 0),
	(51, 'before', 0, NULL, 'failed', 6, 2, 4, 0, NULL, NULL, '', 0, 22, 1, 1, NULL, 0, 1, 'f7e177e9', 1),
	(54, 'before', 0, NULL, 'pending', 1, 0, 0, 0, NULL, NULL, '', 0, 23, 0, 0, NULL, 0, 1, '', 0),
	(55, 'waiting', 1, NULL, 'pending', 1, 0, 0, 1, NULL, NULL, '', 0, 23, 0, 0, NULL, 0, 1, '', 0),
	(56, 'after', 2, NULL, 'pending', 1, 0, 0, 1, NULL, NULL, '', 0, 23, 0, 0, NULL, 0, 1, '', 0);


--
-- Data for Name: truestep_transition; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_transition VALUES
	(1, 1, '7e0739a5', 'birth', 0, '', 'pending', '2026-11-27 17:33:59.466284+00', 'ada', 'python', 'launched', 1, NULL),
	(2, 2, '433bcd68', 'request', 0, '', '', '2026-11-27 17:33:59.483567+00', 'ada', 'page', 'cancel', 1, NULL),
	(3, 3, '7c941f9a', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:33:59.483567+00', 'ada', 'page', 'cancelled while it waited', 1, 1),
	(4, 4, '03f192de', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:33:59.483567+00', 'ada', 'page', 'cancelled while it waited', 1, 2),
	(5, 5, '7181a60d', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:33:59.483567+00', 'ada', 'page', 'cancelled while it waited', 1, 3),
	(6, 6, '92ddc799', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:33:59.483567+00', 'ada', 'page', 'cancelled while nothing ran', 1, NULL),
	(7, 1, '4f452704', 'birth', 0, '', 'pending', '2026-11-27 17:34:01.660879+00', 'ada', 'page', 'launched', 2, NULL),
	(8, 1, 'cfa2da79', 'birth', 0, '', 'pending', '2026-11-27 17:34:01.698716+00', '', 'command', 'launched again, after job 2', 3, NULL),
	(9, 2, 'dfd74aae', 'note', 0, '', '', '2026-11-27 17:34:01.73336+00', '', 'command', 'launched again as job 3', 2, NULL),
	(10, 1, '2b679778', 'birth', 0, '', 'pending', '2026-11-27 17:34:01.75068+00', 'שרה', 'page', 'launched again, after job 2: the "source" was late: it''s 3; retry
second line', 4, NULL),
	(11, 3, '715e0dda', 'move', 1, 'pending', 'running', '2026-11-27 17:34:01.792775+00', '', 'worker', 'claimed by shop-1:31469', 2, 4),
	(12, 4, 'dce3ca40', 'move', 0, 'pending', 'running', '2026-11-27 17:34:01.792775+00', '', 'worker', 'its first step started', 2, NULL),
	(14, 5, '950298b8', 'note', 0, '', '', '2026-11-27 17:34:01.866634+00', 'שרה', 'page', 'launched again as job 4: the "source" was late: it''s 3; retry
second line', 2, NULL),
	(15, 1, '769a444a', 'birth', 0, '', 'pending', '2026-11-27 17:34:01.8975+00', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…', 'python', 'launched again, after job 2: ⁨‮exe.gnp⁦⁩⁩', 5, NULL),
	(19, 6, '06f0dd28', 'note', 0, '', '', '2026-11-27 17:34:02.949382+00', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…', 'python', 'launched again as job 5: ⁨‮exe.gnp⁦⁩⁩', 2, NULL),
	(20, 1, '9ab67fc1', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.951503+00', 'ada', 'python', 'launched', 6, NULL),
	(21, 1, '95c67214', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.958893+00', 'ada', 'python', 'launched', 7, NULL),
	(22, 1, '26383168', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.965119+00', 'ada', 'python', 'launched', 8, NULL),
	(23, 1, '3ed0ee95', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.976579+00', 'ada', 'python', 'launched', 9, NULL),
	(24, 1, 'a458d638', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.985083+00', 'ada', 'python', 'launched', 10, NULL),
	(25, 1, '03216707', 'birth', 0, '', 'pending', '2026-11-27 17:34:02.991608+00', 'ada', 'python', 'launched', 11, NULL),
	(26, 1, '7c11fe3b', 'birth', 0, '', 'pending', '2026-11-27 17:34:03.005433+00', 'ada', 'python', 'launched', 12, NULL),
	(27, 1, 'd794680d', 'birth', 0, '', 'pending', '2026-11-27 17:34:03.014939+00', 'ada', 'python', 'launched', 13, NULL),
	(28, 1, 'd3839589', 'birth', 0, '', 'pending', '2026-11-27 17:34:03.017322+00', '', 'python', 'launched', 14, NULL),
	(30, 7, '9597b5a3', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:03.962+00', '', 'worker', 'returned', 2, 4),
	(31, 8, '08db1b34', 'move', 1, 'pending', 'running', '2026-11-27 17:34:03.962+00', '', 'worker', 'claimed by shop-1:31469', 2, 5),
	(32, 9, '3179da35', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:03.982343+00', '', 'worker', 'returned', 2, 5),
	(33, 10, 'fa461d6e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:03.982343+00', '', 'worker', 'claimed by shop-1:31469', 2, 6),
	(34, 11, 'd832644d', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.004473+00', '', 'worker', 'returned', 2, 6),
	(35, 12, 'ebdf4ffb', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:04.004473+00', '', 'worker', 'every step succeeded', 2, NULL),
	(36, 2, 'b972fdd5', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.022104+00', '', 'worker', 'claimed by shop-1:31469', 3, 7),
	(37, 3, 'b89495a2', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.022104+00', '', 'worker', 'its first step started', 3, NULL),
	(38, 4, 'd8e75152', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.04713+00', '', 'worker', 'returned', 3, 7),
	(39, 5, 'a87e2899', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.04713+00', '', 'worker', 'claimed by shop-1:31469', 3, 8),
	(40, 6, '6adae934', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.066885+00', '', 'worker', 'returned', 3, 8),
	(41, 7, 'b1c30d0a', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.066885+00', '', 'worker', 'claimed by shop-1:31469', 3, 9),
	(42, 8, 'd618bd30', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.07828+00', '', 'worker', 'returned', 3, 9),
	(43, 9, 'ba8ff138', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:04.07828+00', '', 'worker', 'every step succeeded', 3, NULL),
	(44, 2, 'b28412e6', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.088605+00', '', 'worker', 'claimed by shop-1:31469', 4, 10),
	(45, 3, 'bd232b69', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.088605+00', '', 'worker', 'its first step started', 4, NULL),
	(46, 4, 'fbd68be5', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.121822+00', '', 'worker', 'returned', 4, 10),
	(47, 5, 'f0f8f6dc', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.121822+00', '', 'worker', 'claimed by shop-1:31469', 4, 11),
	(48, 6, '130b5f00', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.154178+00', '', 'worker', 'returned', 4, 11),
	(49, 7, '19e3e057', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.154178+00', '', 'worker', 'claimed by shop-1:31469', 4, 12),
	(50, 8, 'f4c122c9', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.181483+00', '', 'worker', 'returned', 4, 12),
	(51, 9, 'ccfa0e36', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:04.181483+00', '', 'worker', 'every step succeeded', 4, NULL),
	(52, 2, '2c9f6e7c', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.206797+00', '', 'worker', 'claimed by shop-1:31469', 5, 13),
	(53, 3, 'fc486d8a', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.206797+00', '', 'worker', 'its first step started', 5, NULL),
	(54, 4, 'f751240d', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.242797+00', '', 'worker', 'returned', 5, 13),
	(55, 5, 'c7291ba8', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.242797+00', '', 'worker', 'claimed by shop-1:31469', 5, 14),
	(56, 6, '137f6951', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.266118+00', '', 'worker', 'returned', 5, 14),
	(57, 7, '676c9acb', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.266118+00', '', 'worker', 'claimed by shop-1:31469', 5, 15),
	(58, 8, '05b09970', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.284184+00', '', 'worker', 'returned', 5, 15),
	(59, 9, 'b9cfbbab', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:04.284184+00', '', 'worker', 'every step succeeded', 5, NULL),
	(60, 2, '71db8a5e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.304102+00', '', 'worker', 'claimed by shop-1:31469', 6, 16),
	(61, 3, '23153cc7', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.304102+00', '', 'worker', 'its first step started', 6, NULL),
	(62, 4, '68811cff', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.327836+00', '', 'worker', 'raised ValueError', 6, 16),
	(63, 5, 'a9b16a36', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:04.327836+00', '', 'worker', 'needs größe_messen, which was not successful', 6, 17),
	(64, 6, '445df1ba', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:04.327836+00', '', 'worker', 'needs 集計, which was not successful', 6, 18),
	(65, 7, '6f6e638d', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:04.327836+00', '', 'worker', 'needs ⁨שלב⁩, which was not successful', 6, 19),
	(66, 8, '644bd3e9', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.327836+00', '', 'worker', 'claimed by shop-1:31469', 6, 20),
	(67, 9, 'c9178eb2', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:04.357365+00', '', 'worker', 'returned', 6, 20),
	(68, 10, 'fbf5e053', 'move', 0, 'running', 'failed', '2026-11-27 17:34:04.357365+00', '', 'worker', 'a step failed', 6, NULL),
	(69, 2, '5af2fae2', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.380925+00', '', 'worker', 'claimed by shop-1:31469', 7, 21),
	(70, 3, '56891162', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.380925+00', '', 'worker', 'its first step started', 7, NULL),
	(71, 4, '059fd146', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.415675+00', '', 'worker', 'raised RuntimeError', 7, 21),
	(72, 5, '9fb81b10', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:04.415675+00', '', 'worker', 'needs x, which was not successful; retry 1 of 2 in 3 s: it''s, which was not successful', 7, 22),
	(73, 6, '8a4bc59e', 'move', 0, 'running', 'failed', '2026-11-27 17:34:04.415675+00', '', 'worker', 'a step failed', 7, NULL),
	(74, 2, '298bbfaa', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.432675+00', '', 'worker', 'claimed by shop-1:31469', 8, 23),
	(75, 3, 'c06a5fea', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.432675+00', '', 'worker', 'its first step started', 8, NULL),
	(76, 4, '24b0fc6b', 'move', 1, 'running', 'pending', '2026-11-27 17:34:04.489451+00', '', 'worker', 'raised OSError; retry 1 of 2 in 80 ms', 8, 23),
	(77, 2, 'b7289b38', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.507233+00', '', 'worker', 'claimed by shop-1:31469', 9, 25),
	(78, 3, 'e8bdafe3', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.507233+00', '', 'worker', 'its first step started', 9, NULL),
	(79, 4, '16c070e3', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.526943+00', '', 'worker', 'raised NoRetry', 9, 25),
	(80, 5, '257b5f1b', 'move', 0, 'running', 'failed', '2026-11-27 17:34:04.526943+00', '', 'worker', 'a step failed', 9, NULL),
	(81, 2, 'c55f5de6', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.549796+00', '', 'worker', 'claimed by shop-1:31469', 10, 26),
	(82, 3, '888146a1', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.549796+00', '', 'worker', 'its first step started', 10, NULL),
	(83, 4, '636692ae', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.561865+00', '', 'worker', 'raised SystemExit', 10, 26),
	(84, 5, 'f5f8a302', 'move', 0, 'running', 'failed', '2026-11-27 17:34:04.561865+00', '', 'worker', 'a step failed', 10, NULL),
	(85, 2, 'dd9762fb', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.575593+00', '', 'worker', 'claimed by shop-1:31469', 11, 27),
	(86, 3, '0c5954a0', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.575593+00', '', 'worker', 'its first step started', 11, NULL),
	(87, 4, '679d7b0f', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.584452+00', '', 'worker', 'returned something unusable', 11, 27),
	(88, 5, 'cfa2ac0d', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.584452+00', '', 'worker', 'claimed by shop-1:31469', 11, 28),
	(89, 6, 'b901e871', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.626956+00', '', 'worker', 'stopped by a stray signal', 11, 28),
	(90, 7, 'dd065271', 'move', 0, 'running', 'failed', '2026-11-27 17:34:04.626956+00', '', 'worker', 'a step failed', 11, NULL),
	(91, 5, '1025fe9c', 'move', 2, 'pending', 'running', '2026-11-27 17:34:04.647658+00', '', 'worker', 'claimed by shop-1:31469', 8, 23),
	(92, 6, '32b1f4aa', 'move', 2, 'running', 'pending', '2026-11-27 17:34:04.669719+00', '', 'worker', 'raised OSError; retry 2 of 2 in 212 ms', 8, 23),
	(93, 2, '012d0731', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.679754+00', '', 'worker', 'claimed by shop-1:31469', 12, 29),
	(94, 3, 'e5e03bfc', 'move', 0, 'pending', 'running', '2026-11-27 17:34:04.679754+00', '', 'worker', 'its first step started', 12, NULL),
	(95, 4, 'd75c41f6', 'move', 1, 'running', 'failed', '2026-11-27 17:34:04.898267+00', '', 'worker', 'timed out after 0.2 s', 12, 29),
	(96, 5, 'bec039cf', 'move', 1, 'pending', 'running', '2026-11-27 17:34:04.898267+00', '', 'worker', 'claimed by shop-1:31469', 12, 30),
	(97, 6, 'b18cb1cc', 'move', 1, 'running', 'pending', '2026-11-27 17:34:05.143783+00', '', 'worker', 'timed out after 0.2 s; retry 1 of 1 in 0 ms', 12, 30),
	(98, 7, '6b494a24', 'move', 3, 'pending', 'running', '2026-11-27 17:34:05.18567+00', '', 'worker', 'claimed by shop-1:31469', 8, 23),
	(99, 8, '29d82368', 'move', 3, 'running', 'succeeded', '2026-11-27 17:34:05.263142+00', '', 'worker', 'returned', 8, 23),
	(100, 9, 'd00bf868', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.263142+00', '', 'worker', 'claimed by shop-1:31469', 8, 24),
	(101, 10, '2ab5611f', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:05.278227+00', '', 'worker', 'returned', 8, 24),
	(102, 11, '3ec9aa32', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:05.278227+00', '', 'worker', 'every step succeeded', 8, NULL),
	(103, 7, '444ef430', 'move', 2, 'pending', 'running', '2026-11-27 17:34:05.302005+00', '', 'worker', 'claimed by shop-1:31469', 12, 30),
	(104, 8, '31fb6203', 'move', 2, 'running', 'failed', '2026-11-27 17:34:05.53134+00', '', 'worker', 'timed out after 0.2 s', 12, 30),
	(105, 9, 'b73a2251', 'move', 0, 'running', 'failed', '2026-11-27 17:34:05.53134+00', '', 'worker', 'a step failed', 12, NULL);
INSERT INTO public.truestep_transition VALUES
	(106, 2, '3328ecc4', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.581188+00', '', 'worker', 'claimed by shop-1:31469', 13, 31),
	(107, 3, '6cffa74e', 'move', 0, 'pending', 'running', '2026-11-27 17:34:05.581188+00', '', 'worker', 'its first step started', 13, NULL),
	(108, 4, '3995c294', 'move', 1, 'running', 'failed', '2026-11-27 17:34:05.611386+00', '', 'worker', 'its process died', 13, 31),
	(109, 5, '809e2d08', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.611386+00', '', 'worker', 'claimed by shop-1:31469', 13, 32),
	(110, 6, 'f6652548', 'move', 1, 'running', 'pending', '2026-11-27 17:34:05.663139+00', '', 'worker', 'its process died; retry 1 of 9 in 0 ms', 13, 32),
	(111, 7, '186f787f', 'move', 2, 'pending', 'running', '2026-11-27 17:34:05.701461+00', '', 'worker', 'claimed by shop-1:31469', 13, 32),
	(112, 8, '7a7e84e2', 'move', 2, 'running', 'failed', '2026-11-27 17:34:05.741032+00', '', 'worker', 'its process died, 2 times in all (TRUESTEP[''crashes''])', 13, 32),
	(113, 9, 'eaf94926', 'move', 0, 'running', 'failed', '2026-11-27 17:34:05.741032+00', '', 'worker', 'a step failed', 13, NULL),
	(114, 2, '8230a223', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.786178+00', '', 'worker', 'claimed by shop-1:31469', 14, 33),
	(115, 3, '0fcce455', 'move', 0, 'pending', 'running', '2026-11-27 17:34:05.786178+00', '', 'worker', 'its first step started', 14, NULL),
	(117, 4, 'a527a36e', 'move', 1, 'running', 'pending', '2026-11-27 17:34:05.835327+00', '', 'worker', 'raised ConnectionError; retry 1 of 5 in 53 min 26 s', 14, 33),
	(118, 2, 'afe6ba0a', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.881102+00', '', 'worker', 'claimed by shop-1:31469', 15, 34),
	(119, 3, '5ca0f97f', 'move', 0, 'pending', 'running', '2026-11-27 17:34:05.881102+00', '', 'worker', 'its first step started', 15, NULL),
	(120, 4, '5ec0caa4', 'move', 1, 'running', 'failed', '2026-11-27 17:34:05.942699+00', '', 'worker', 'raised FileNotFoundError', 15, 34),
	(121, 5, '85a2f793', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:05.942699+00', '', 'worker', 'needs left, which was not successful', 15, 36),
	(122, 6, 'cac7c188', 'move', 1, 'pending', 'running', '2026-11-27 17:34:05.942699+00', '', 'worker', 'claimed by shop-1:31469', 15, 35),
	(123, 7, '621d23bc', 'move', 1, 'running', 'failed', '2026-11-27 17:34:05.986371+00', '', 'worker', 'raised FileNotFoundError', 15, 35),
	(124, 8, 'fcc19693', 'move', 0, 'running', 'failed', '2026-11-27 17:34:05.986371+00', '', 'worker', 'a step failed', 15, NULL),
	(128, 12, 'b5fca6e5', 'move', 2, 'pending', 'running', '2026-11-27 17:34:06.081748+00', '', 'worker', 'claimed by shop-1:31469', 15, 34),
	(129, 13, '2b4e992e', 'move', 0, 'pending', 'running', '2026-11-27 17:34:06.081748+00', '', 'worker', 'its first step started', 15, NULL),
	(130, 14, '77d437ab', 'move', 2, 'running', 'failed', '2026-11-27 17:34:06.108+00', '', 'worker', 'raised FileNotFoundError', 15, 34),
	(131, 15, '5192b05b', 'move', 0, 'running', 'failed', '2026-11-27 17:34:06.108+00', '', 'worker', 'a step failed', 15, NULL),
	(137, 21, '10e3f7ba', 'move', 3, 'pending', 'running', '2026-11-27 17:34:06.150199+00', '', 'worker', 'claimed by shop-1:31469', 15, 34),
	(138, 22, 'fd7a5cd8', 'move', 0, 'pending', 'running', '2026-11-27 17:34:06.150199+00', '', 'worker', 'its first step started', 15, NULL),
	(139, 23, '0e5fc422', 'move', 3, 'running', 'failed', '2026-11-27 17:34:06.162138+00', '', 'worker', 'raised FileNotFoundError', 15, 34),
	(140, 24, 'f8b757f8', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:06.162138+00', '', 'worker', 'needs left, which was not successful', 15, 36),
	(141, 25, '3547e009', 'move', 2, 'pending', 'running', '2026-11-27 17:34:06.162138+00', '', 'worker', 'claimed by shop-1:31469', 15, 35),
	(142, 26, '8341d83d', 'move', 2, 'running', 'failed', '2026-11-27 17:34:06.190748+00', '', 'worker', 'raised FileNotFoundError', 15, 35),
	(143, 27, '21c062c6', 'move', 0, 'running', 'failed', '2026-11-27 17:34:06.190748+00', '', 'worker', 'a step failed', 15, NULL),
	(149, 33, 'aef01049', 'move', 4, 'pending', 'running', '2026-11-27 17:34:06.252823+00', '', 'worker', 'claimed by shop-1:31469', 15, 34),
	(150, 34, '4b6faf2b', 'move', 0, 'pending', 'running', '2026-11-27 17:34:06.252823+00', '', 'worker', 'its first step started', 15, NULL),
	(151, 35, '7d7ed6a0', 'move', 4, 'running', 'succeeded', '2026-11-27 17:34:06.282131+00', '', 'worker', 'returned', 15, 34),
	(152, 36, '1ae4c3b4', 'move', 3, 'pending', 'running', '2026-11-27 17:34:06.282131+00', '', 'worker', 'claimed by shop-1:31469', 15, 35),
	(153, 37, '8c32d418', 'move', 3, 'running', 'succeeded', '2026-11-27 17:34:06.312318+00', '', 'worker', 'returned', 15, 35),
	(154, 38, '24ff40d1', 'move', 1, 'pending', 'running', '2026-11-27 17:34:06.312318+00', '', 'worker', 'claimed by shop-1:31469', 15, 36),
	(155, 39, 'f58f2dc2', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:06.334778+00', '', 'worker', 'returned', 15, 36),
	(156, 40, '9a40cde6', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:06.334778+00', '', 'worker', 'every step succeeded', 15, NULL),
	(171, 17, 'fc1c0be6', 'move', 2, 'pending', 'running', '2026-11-27 17:34:06.522554+00', '', 'worker', 'claimed by shop-1:31469', 6, 16),
	(172, 18, '14d245c9', 'move', 0, 'pending', 'running', '2026-11-27 17:34:06.522554+00', '', 'worker', 'its first step started', 6, NULL),
	(173, 19, '3d596793', 'move', 2, 'running', 'failed', '2026-11-27 17:34:06.55194+00', '', 'worker', 'raised ValueError', 6, 16),
	(174, 20, '4965047c', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:06.55194+00', '', 'worker', 'needs größe_messen, which was not successful', 6, 17),
	(175, 21, 'c46479f4', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:06.55194+00', '', 'worker', 'needs 集計, which was not successful', 6, 18),
	(176, 22, 'fbfb7a97', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:06.55194+00', '', 'worker', 'needs ⁨שלב⁩, which was not successful', 6, 19),
	(177, 23, '6a94f024', 'move', 0, 'running', 'failed', '2026-11-27 17:34:06.55194+00', '', 'worker', 'a step failed', 6, NULL),
	(178, 12, '71beab5e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:06.578196+00', '', 'worker', 'claimed by shop-1:31469', 1, 1),
	(179, 13, 'db4d9592', 'move', 0, 'pending', 'running', '2026-11-27 17:34:06.578196+00', '', 'worker', 'its first step started', 1, NULL),
	(180, 14, '5f670a95', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:06.605424+00', '', 'worker', 'returned', 1, 1),
	(181, 15, '9fad8f0f', 'move', 1, 'pending', 'running', '2026-11-27 17:34:06.605424+00', '', 'worker', 'claimed by shop-1:31469', 1, 2),
	(187, 20, '9ed1a2a8', 'move', 1, 'running', 'cancelled', '2026-11-27 17:34:06.75073+00', '', 'worker', 'cancelled while it ran', 1, 2),
	(188, 21, '47bde282', 'move', 0, 'running', 'cancelled', '2026-11-27 17:34:06.75073+00', '', 'worker', 'it was cancelled and no step failed', 1, NULL),
	(190, 2, 'edc49f2a', 'move', 0, 'pending', 'failed', '2026-11-27 17:34:07.909873+00', '', 'worker', 'no running worker knows step ''it_s_own'' of ''stranger''; waited 1 s', 16, 37),
	(191, 3, '3d8e1356', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:07.909873+00', '', 'worker', 'needs it_s_own, which was not successful', 16, 38),
	(192, 4, 'e8361699', 'move', 0, 'pending', 'failed', '2026-11-27 17:34:07.909873+00', '', 'worker', 'no worker knows how to run its steps', 16, NULL),
	(116, 1, '5205b170', 'birth', 0, '', 'pending', '2026-11-27 17:34:05.788847+00', 'ada', 'python', 'launched', 15, NULL),
	(125, 9, '30a8efc6', 'request', 1, '', '', '2026-11-27 17:34:06.041109+00', 'ada', 'page', 'retry: ⁨שלום, נסה שוב⁩', 15, 34),
	(126, 10, 'e7111b05', 'move', 1, 'failed', 'pending', '2026-11-27 17:34:06.041109+00', 'ada', 'page', 'to be tried again', 15, 34),
	(127, 11, 'bba84deb', 'move', 0, 'failed', 'pending', '2026-11-27 17:34:06.041109+00', 'ada', 'page', 'steps of it are tried again', 15, NULL),
	(132, 16, 'fd0b71ed', 'request', 0, '', '', '2026-11-27 17:34:06.129735+00', 'ada', 'admin', 'retry', 15, NULL),
	(133, 17, '558fe322', 'move', 2, 'failed', 'pending', '2026-11-27 17:34:06.129735+00', 'ada', 'admin', 'to be tried again', 15, 34),
	(134, 18, '73eaa3a0', 'move', 1, 'failed', 'pending', '2026-11-27 17:34:06.129735+00', 'ada', 'admin', 'to be tried again', 15, 35),
	(135, 19, '4fa5f342', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:06.129735+00', 'ada', 'admin', 'what it needs is tried again', 15, 36),
	(136, 20, '8a2ce4f5', 'move', 0, 'failed', 'pending', '2026-11-27 17:34:06.129735+00', 'ada', 'admin', 'steps of it are tried again', 15, NULL),
	(144, 28, 'c0ff7be9', 'request', 0, '', '', '2026-11-27 17:34:06.229923+00', '', 'python', 'retry: long: reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and so on; reason, and…', 15, NULL),
	(145, 29, 'bf40caa9', 'move', 3, 'failed', 'pending', '2026-11-27 17:34:06.229923+00', '', 'python', 'to be tried again', 15, 34),
	(146, 30, 'a9ac76d0', 'move', 2, 'failed', 'pending', '2026-11-27 17:34:06.229923+00', '', 'python', 'to be tried again', 15, 35),
	(147, 31, 'c931c2d1', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:06.229923+00', '', 'python', 'what it needs is tried again', 15, 36),
	(148, 32, '1dbdf3d8', 'move', 0, 'failed', 'pending', '2026-11-27 17:34:06.229923+00', '', 'python', 'steps of it are tried again', 15, NULL),
	(157, 41, '8982c932', 'note', 0, '', '', '2026-11-27 17:34:06.374174+00', 'ada', 'python', 'asked to retry; nothing to do, left is succeeded', 15, NULL),
	(158, 42, '14526d23', 'note', 0, '', '', '2026-11-27 17:34:06.41312+00', 'ada', 'python', 'asked to retry; nothing to do, no step has failed', 15, NULL),
	(159, 43, '0e0cac75', 'note', 0, '', '', '2026-11-27 17:34:06.446272+00', 'ada', 'admin', 'asked to cancel; nothing to do, the job is succeeded', 15, NULL),
	(160, 11, 'a23ef223', 'request', 0, '', '', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'retry', 6, NULL),
	(161, 12, 'e10b32d6', 'move', 1, 'failed', 'pending', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'to be tried again', 6, 16),
	(162, 13, 'aa353768', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'what it needs is tried again', 6, 17),
	(163, 14, 'f42547db', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'what it needs is tried again', 6, 18),
	(164, 15, 'cbdb3a50', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'what it needs is tried again', 6, 19),
	(165, 16, 'c1517a21', 'move', 0, 'failed', 'pending', '2026-11-27 17:34:06.465911+00', 'ada', 'python', 'steps of it are tried again', 6, NULL),
	(166, 7, 'b46e2873', 'request', 0, '', '', '2026-11-27 17:34:06.516954+00', 'ada', 'page', 'retry: it''s wanted, after all', 1, NULL),
	(167, 8, '5d156947', 'move', 0, 'cancelled', 'pending', '2026-11-27 17:34:06.516954+00', 'ada', 'page', 'to be tried again', 1, 1),
	(168, 9, '98a3d0fe', 'move', 0, 'cancelled', 'pending', '2026-11-27 17:34:06.516954+00', 'ada', 'page', 'to be tried again', 1, 2),
	(169, 10, '19119629', 'move', 0, 'cancelled', 'pending', '2026-11-27 17:34:06.516954+00', 'ada', 'page', 'to be tried again', 1, 3),
	(170, 11, '5c2e2660', 'move', 0, 'cancelled', 'pending', '2026-11-27 17:34:06.516954+00', 'ada', 'page', 'steps of it are tried again', 1, NULL),
	(182, 16, 'ea2d0713', 'request', 0, '', '', '2026-11-27 17:34:06.661731+00', 'ada', 'page', 'cancel', 1, NULL),
	(183, 17, 'e5da04c2', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:34:06.661731+00', 'ada', 'page', 'cancelled while it waited', 1, 3),
	(184, 18, 'ee1a59ba', 'note', 0, '', '', '2026-11-27 17:34:06.683194+00', 'ada', 'page', 'asked to cancel; nothing to do, the job is being cancelled already', 1, NULL),
	(185, 19, 'cbc48597', 'note', 0, '', '', '2026-11-27 17:34:06.697618+00', 'ada', 'page', 'asked to retry; nothing to do, the job is being cancelled', 1, NULL),
	(189, 1, '67a19aae', 'birth', 0, '', 'pending', '2026-11-27 17:34:06.77654+00', 'ada', 'python', 'launched', 16, NULL),
	(193, 1, 'cf3195f8', 'birth', 0, '', 'pending', '2026-11-27 17:34:10.822684+00', '', 'python', 'launched', 17, NULL),
	(194, 1, 'b146d1fe', 'birth', 0, '', 'pending', '2026-11-27 17:34:10.84655+00', 'ada', 'python', 'launched', 18, NULL),
	(195, 2, '4daf3aae', 'move', 1, 'pending', 'running', '2026-11-27 17:34:10.858178+00', '', 'worker', 'claimed by shop-1:31657', 17, 39),
	(196, 3, 'a310d04e', 'move', 0, 'pending', 'running', '2026-11-27 17:34:10.858178+00', '', 'worker', 'its first step started', 17, NULL),
	(197, 4, '4e9ce4bc', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:10.884471+00', '', 'worker', 'returned', 17, 39),
	(198, 5, '480e887a', 'move', 1, 'pending', 'running', '2026-11-27 17:34:10.884471+00', '', 'worker', 'claimed by shop-1:31657', 17, 40),
	(199, 6, '7195dd86', 'move', 1, 'running', 'pending', '2026-11-27 17:34:10.942142+00', '', 'worker', 'its worker stopped', 17, 40),
	(200, 7, '88850788', 'move', 2, 'pending', 'running', '2026-11-27 17:34:13.955822+00', '', 'worker', 'claimed by shop-1:31781', 17, 40),
	(201, 8, '92838da6', 'move', 2, 'running', 'pending', '2026-11-27 17:34:16.522241+00', '', 'worker', 'its worker did not run for 2 s', 17, 40),
	(202, 9, 'c44974af', 'move', 3, 'pending', 'running', '2026-11-27 17:34:16.539276+00', '', 'worker', 'claimed by shop-1:31781', 17, 40),
	(203, 10, '3f7e4f7a', 'move', 3, 'running', 'succeeded', '2026-11-27 17:34:16.600916+00', '', 'worker', 'returned', 17, 40),
	(204, 11, 'bdb3274b', 'move', 1, 'pending', 'running', '2026-11-27 17:34:16.600916+00', '', 'worker', 'claimed by shop-1:31781', 17, 41),
	(205, 12, '18aaf237', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:16.640369+00', '', 'worker', 'returned', 17, 41),
	(206, 13, '2b95032b', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:16.640369+00', '', 'worker', 'every step succeeded', 17, NULL);
INSERT INTO public.truestep_transition VALUES
	(207, 2, '50d0ad33', 'move', 1, 'pending', 'running', '2026-11-27 17:34:16.665157+00', '', 'worker', 'claimed by shop-1:31781', 18, 42),
	(208, 3, 'da46ce5d', 'move', 0, 'pending', 'running', '2026-11-27 17:34:16.665157+00', '', 'worker', 'its first step started', 18, NULL),
	(209, 4, '34cce277', 'move', 1, 'running', 'pending', '2026-11-27 17:34:19.131389+00', '', 'worker', 'its worker vanished; retry 1 of 1 in 91 ms', 18, 42),
	(210, 5, '0c5beb42', 'move', 2, 'pending', 'running', '2026-11-27 17:34:19.236662+00', '', 'worker', 'claimed by shop-1:32228', 18, 42),
	(211, 6, '678f398c', 'move', 2, 'running', 'failed', '2026-11-27 17:34:24.767325+00', '', 'worker', 'its worker vanished', 18, 42),
	(212, 7, 'c8cdc0e9', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:24.767325+00', '', 'worker', 'needs waiting, which was not successful', 18, 43),
	(213, 8, '6cb1cb8d', 'move', 0, 'running', 'failed', '2026-11-27 17:34:24.767325+00', '', 'worker', 'a step failed', 18, NULL),
	(215, 9, 'da21e129', 'note', 2, '', '', '2026-11-27 17:34:24.850147+00', '', 'worker', 'a late write of attempt 2 by shop-1:32228 was refused', 18, 42),
	(216, 1, '0932b531', 'birth', 0, '', 'pending', '2026-11-27 17:34:28.219664+00', 'ada', 'python', 'launched', 19, NULL),
	(217, 2, 'b7ada14e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:28.284234+00', '', 'worker', 'claimed by shop-1:597', 19, 44),
	(218, 3, '80e3f81d', 'move', 0, 'pending', 'running', '2026-11-27 17:34:28.284234+00', '', 'worker', 'its first step started', 19, NULL),
	(219, 4, '8dda3453', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:28.34234+00', '', 'worker', 'returned', 19, 44),
	(220, 5, '2486d2b5', 'move', 1, 'pending', 'running', '2026-11-27 17:34:28.34234+00', '', 'worker', 'claimed by shop-1:597', 19, 45),
	(221, 6, '947c038e', 'request', 0, '', '', '2026-11-27 17:34:28.366012+00', 'ada', 'page', 'cancel', 19, NULL),
	(222, 7, '02f8abf5', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:34:28.366012+00', 'ada', 'page', 'cancelled while it waited', 19, 46),
	(223, 8, '672b1613', 'note', 0, '', '', '2026-11-27 17:34:28.366012+00', 'ada', 'page', 'asked for at 17:34:28 UTC, while the database was locked; its worker was told', 19, NULL),
	(225, 9, '2c680e38', 'move', 1, 'running', 'cancelled', '2026-11-27 17:34:28.412799+00', '', 'worker', 'cancelled while it ran', 19, 45),
	(226, 10, '58b72f88', 'move', 0, 'running', 'cancelled', '2026-11-27 17:34:28.412799+00', '', 'worker', 'it was cancelled and no step failed', 19, NULL),
	(227, 10, 'b3b23a14', 'request', 2, '', '', '2026-11-27 17:34:30.24185+00', 'ada', 'python', 'retry', 18, 42),
	(228, 11, '6c0732ba', 'move', 2, 'failed', 'pending', '2026-11-27 17:34:30.24185+00', 'ada', 'python', 'to be tried again', 18, 42),
	(229, 12, 'cf0ae230', 'move', 0, 'skipped', 'pending', '2026-11-27 17:34:30.24185+00', 'ada', 'python', 'what it needs is tried again', 18, 43),
	(230, 13, '95eb0b55', 'move', 0, 'failed', 'pending', '2026-11-27 17:34:30.24185+00', 'ada', 'python', 'steps of it are tried again', 18, NULL),
	(231, 14, '366798e7', 'move', 3, 'pending', 'running', '2026-11-27 17:34:30.319817+00', '', 'worker', 'claimed by shop-1:681', 18, 42),
	(232, 15, '693f0ca8', 'move', 0, 'pending', 'running', '2026-11-27 17:34:30.319817+00', '', 'worker', 'its first step started', 18, NULL),
	(233, 16, '1eb7e986', 'move', 3, 'running', 'succeeded', '2026-11-27 17:34:30.389991+00', '', 'worker', 'returned', 18, 42),
	(234, 17, '18767737', 'move', 1, 'pending', 'running', '2026-11-27 17:34:30.389991+00', '', 'worker', 'claimed by shop-1:681', 18, 43),
	(235, 18, '804c7fa0', 'move', 1, 'running', 'succeeded', '2026-11-27 17:34:30.41391+00', '', 'worker', 'returned', 18, 43),
	(236, 19, 'b9a4fb41', 'move', 0, 'running', 'succeeded', '2026-11-27 17:34:30.41391+00', '', 'worker', 'every step succeeded', 18, NULL),
	(237, 1, 'cad76017', 'birth', 0, '', 'pending', '2026-11-27 17:34:31.028238+00', 'ada', 'admin', 'launched', 20, NULL),
	(238, 2, '2cd7f000', 'move', 1, 'pending', 'running', '2026-11-27 17:34:31.040329+00', '', 'worker', 'claimed by shop-1:31438', 20, 47),
	(239, 3, '9e547398', 'move', 0, 'pending', 'running', '2026-11-27 17:34:31.040329+00', '', 'worker', 'its first step started', 20, NULL),
	(240, 4, '33a52c2f', 'move', 1, 'running', 'pending', '2026-11-27 17:34:31.046237+00', '', 'worker', 'its worker never began it', 20, 47),
	(241, 5, 'a43a3bb5', 'move', 2, 'pending', 'running', '2026-11-27 17:34:31.057981+00', '', 'worker', 'claimed by shop-1:31438', 20, 47),
	(242, 6, 'c970fc9a', 'move', 2, 'running', 'pending', '2026-11-27 17:34:31.082445+00', '', 'worker', 'its worker was taken for dead, and began anew', 20, 47),
	(243, 7, '2b1aa1e5', 'move', 3, 'pending', 'running', '2026-11-27 17:34:31.097916+00', '', 'worker', 'claimed by shop-1:31438', 20, 47),
	(244, 8, 'defae81a', 'move', 3, 'running', 'failed', '2026-11-27 17:34:31.100802+00', '', 'worker', 'its worker could not reach the database for 1 min 05 s, interrupted 3 times in all (TRUESTEP[''crashes''])', 20, 47),
	(245, 9, '7eb1b399', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:31.100802+00', '', 'worker', 'needs waiting, which was not successful', 20, 48),
	(246, 10, '55b45dd2', 'move', 0, 'running', 'failed', '2026-11-27 17:34:31.100802+00', '', 'worker', 'a step failed', 20, NULL),
	(247, 1, '4272577c', 'birth', 0, '', 'pending', '2026-11-27 17:34:31.106328+00', '', 'python', 'launched', 21, NULL),
	(248, 2, '62fdac7e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:31.134685+00', '', 'worker', 'claimed by shop-1:31438', 21, 49),
	(249, 3, 'ace5a037', 'move', 0, 'pending', 'running', '2026-11-27 17:34:31.134685+00', '', 'worker', 'its first step started', 21, NULL),
	(250, 4, 'be07ceac', 'request', 0, '', '', '2026-11-27 17:34:31.149807+00', 'ada', 'python', 'cancel', 21, NULL),
	(251, 5, 'f7b4b55e', 'move', 0, 'pending', 'cancelled', '2026-11-27 17:34:31.149807+00', 'ada', 'python', 'cancelled while it waited', 21, 50),
	(253, 6, '765f6c17', 'move', 1, 'running', 'cancelled', '2026-11-27 17:34:31.183718+00', '', 'worker', 'raised OSError; cancelled before its retry', 21, 49),
	(254, 7, 'bb48afa6', 'move', 0, 'running', 'cancelled', '2026-11-27 17:34:31.183718+00', '', 'worker', 'it was cancelled and no step failed', 21, NULL),
	(255, 1, '482463ef', 'birth', 0, '', 'pending', '2026-11-27 17:34:31.195193+00', '', 'python', 'launched', 22, NULL),
	(256, 2, '9c02439e', 'move', 1, 'pending', 'running', '2026-11-27 17:34:31.223208+00', '', 'worker', 'claimed by shop-1:31438', 22, 51),
	(257, 3, '1e4374ef', 'move', 0, 'pending', 'running', '2026-11-27 17:34:31.223208+00', '', 'worker', 'its first step started', 22, NULL),
	(258, 4, '918a8654', 'move', 1, 'running', 'pending', '2026-11-27 17:34:31.24711+00', '', 'worker', 'its worker showed no sign of life for too long', 22, 51),
	(259, 5, '68ae0ae2', 'move', 2, 'pending', 'running', '2026-11-27 17:34:31.254065+00', '', 'worker', 'claimed by shop-1:31438', 22, 51),
	(260, 6, 'f7e177e9', 'move', 2, 'running', 'failed', '2026-11-27 17:34:31.264854+00', '', 'worker', 'its worker broke: RuntimeError', 22, 51),
	(261, 7, '0ebfc214', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:31.264854+00', '', 'worker', 'needs before, which was not successful', 22, 52),
	(262, 8, 'f1ec7067', 'move', 0, 'pending', 'skipped', '2026-11-27 17:34:31.264854+00', '', 'worker', 'needs waiting, which was not successful', 22, 53),
	(263, 9, 'a120f7a4', 'move', 0, 'running', 'failed', '2026-11-27 17:34:31.264854+00', '', 'worker', 'a step failed', 22, NULL),
	(264, 1, 'e3a25c74', 'birth', 0, '', 'pending', '2026-11-27 17:34:31.297709+00', 'ada', 'page', 'launched', 23, NULL);


--
-- Data for Name: truestep_worker; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.truestep_worker VALUES
	(2, 'cbd8b5b8-933e-43da-ba5e-a837951ab3de', 'shop-1', 31657, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/cbd8b5b8-933e-43da-ba5e-a837951ab3de.lock', 1, '2026-11-27 17:34:10.784063+00', '2026-11-27 17:34:11.02221+00', NULL, '2026-11-27 17:34:10.798688+00'),
	(3, '186d92aa-668e-414f-851a-227ce9a8e34b', 'shop-1', 31781, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/186d92aa-668e-414f-851a-227ce9a8e34b.lock', 2, '2026-11-27 17:34:13.842789+00', '2026-11-27 17:34:19.147732+00', NULL, '2026-11-27 17:34:16.520502+00'),
	(6, 'f29c71e2-f8c1-4238-b2aa-d2f06ce3618a', 'shop-1', 32228, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/f29c71e2-f8c1-4238-b2aa-d2f06ce3618a.lock', 2, '2026-11-27 17:34:24.856631+00', '2026-11-27 17:34:25.525161+00', NULL, '2026-11-27 17:34:25.320415+00'),
	(5, 'b6933b48-a960-4690-9807-93c035f6386c', 'shop-1', 32505, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/b6933b48-a960-4690-9807-93c035f6386c.lock', 8, '2026-11-27 17:34:21.28178+00', '2026-11-27 17:34:24.935307+00', NULL, '2026-11-27 17:34:24.811532+00'),
	(1, 'ffd5661e-4479-413b-81b6-d9e4ad069866', 'shop-1', 31469, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/ffd5661e-4479-413b-81b6-d9e4ad069866.lock', 12, '2026-11-27 17:34:01.618102+00', '2026-11-27 17:34:07.987918+00', NULL, '2026-11-27 17:34:07.73202+00'),
	(4, '3be3b014-e9f3-4ddc-a56d-88417c821ba5', 'shop-1', 32228, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/3be3b014-e9f3-4ddc-a56d-88417c821ba5.lock', 1, '2026-11-27 17:34:19.025765+00', '2026-11-27 17:34:24.75619+00', NULL, '2026-11-27 17:34:19.041374+00'),
	(7, '52578da2-c35c-4e42-adea-81e062b9310e', 'shop-1', 597, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/52578da2-c35c-4e42-adea-81e062b9310e.lock', 1, '2026-11-27 17:34:28.179021+00', '2026-11-27 17:34:28.490344+00', NULL, '2026-11-27 17:34:28.198353+00'),
	(8, 'd4f6662f-7529-407e-a896-54f227666728', 'shop-1', 681, 1, '{"breaks": ["gr\u00f6\u00dfe_messen", "\u96c6\u8a08", "\u05e9\u05dc\u05d1", "after_that", "sibling"], "dies": ["once", "each_time"], "exits": ["only"], "flaky": ["flaky", "after"], "hopeless": ["only"], "import": ["fetch", "load", "report"], "odd": ["x, which was not successful; retry 1 of 2 in 3 s: it''s", "needs ''y''"], "pauses": ["pause"], "repairable": ["left", "right", "both"], "repository_report": ["list_files", "count_lines", "largest_files", "find_duplicates", "write_report"], "run_command": ["run_program"], "times_out": ["slow", "slow_twice"], "unusable": ["returns_a_set", "is_told_to_stop"], "waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting", "after"]}', '/tmp/truestep-history-postgresql/run/d4f6662f-7529-407e-a896-54f227666728.lock', 1, '2026-11-27 17:34:30.219185+00', '2026-11-27 17:34:30.534177+00', NULL, '2026-11-27 17:34:30.23074+00'),
	(9, '0086b8fe-cd97-4965-a531-3cc556701737', 'shop-1', 31438, 1, '{"waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting"]}', '/tmp/truestep-history-postgresql/run/0086b8fe-cd97-4965-a531-3cc556701737.lock', 0, '2026-11-27 17:34:31.026578+00', '2026-11-27 17:34:31.29383+00', NULL, '2026-11-27 17:34:31.026574+00');


--
-- Name: auth_group_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_group_id_seq', 1, false);


--
-- Name: auth_group_permissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_group_permissions_id_seq', 1, false);


--
-- Name: auth_permission_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_permission_id_seq', 71, true);


--
-- Name: auth_user_groups_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_user_groups_id_seq', 1, false);


--
-- Name: auth_user_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_user_id_seq', 1, true);


--
-- Name: auth_user_user_permissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_user_user_permissions_id_seq', 1, false);


--
-- Name: axes_accessattempt_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.axes_accessattempt_id_seq', 1, false);


--
-- Name: axes_accessfailurelog_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.axes_accessfailurelog_id_seq', 1, false);


--
-- Name: axes_accesslog_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.axes_accesslog_id_seq', 1, false);


--
-- Name: django_admin_log_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_admin_log_id_seq', 1, false);


--
-- Name: django_content_type_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_content_type_id_seq', 18, true);


--
-- Name: django_migrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.django_migrations_id_seq', 35, true);


--
-- Name: truestep_attempt_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_attempt_id_seq', 116, true);


--
-- Name: truestep_intent_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_intent_id_seq', 1, false);


--
-- Name: truestep_job_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_job_id_seq', 23, true);


--
-- Name: truestep_logchunk_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_logchunk_id_seq', 11, true);


--
-- Name: truestep_need_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_need_id_seq', 29, true);


--
-- Name: truestep_step_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_step_id_seq', 56, true);


--
-- Name: truestep_transition_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_transition_id_seq', 264, true);


--
-- Name: truestep_worker_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.truestep_worker_id_seq', 9, true);


--
-- Name: truestep_attempt attempt_number_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_attempt
    ADD CONSTRAINT attempt_number_once UNIQUE (step_id, number);


--
-- Name: auth_group auth_group_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);


--
-- Name: auth_group_permissions auth_group_permissions_group_id_permission_id_0cd325b0_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);


--
-- Name: auth_group_permissions auth_group_permissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);


--
-- Name: auth_group auth_group_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);


--
-- Name: auth_permission auth_permission_content_type_id_codename_01ab375a_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);


--
-- Name: auth_permission auth_permission_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);


--
-- Name: auth_user_groups auth_user_groups_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_pkey PRIMARY KEY (id);


--
-- Name: auth_user_groups auth_user_groups_user_id_group_id_94350c0c_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_group_id_94350c0c_uniq UNIQUE (user_id, group_id);


--
-- Name: auth_user auth_user_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_pkey PRIMARY KEY (id);


--
-- Name: auth_user_user_permissions auth_user_user_permissions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_pkey PRIMARY KEY (id);


--
-- Name: auth_user_user_permissions auth_user_user_permissions_user_id_permission_id_14a6b632_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_permission_id_14a6b632_uniq UNIQUE (user_id, permission_id);


--
-- Name: auth_user auth_user_username_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user
    ADD CONSTRAINT auth_user_username_key UNIQUE (username);


--
-- Name: axes_accessattempt axes_accessattempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_pkey PRIMARY KEY (id);


--
-- Name: axes_accessattempt axes_accessattempt_username_ip_address_user_agent_8ea22282_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accessattempt
    ADD CONSTRAINT axes_accessattempt_username_ip_address_user_agent_8ea22282_uniq UNIQUE (username, ip_address, user_agent);


--
-- Name: axes_accessattemptexpiration axes_accessattemptexpiration_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptexpiration_pkey PRIMARY KEY (access_attempt_id);


--
-- Name: axes_accessfailurelog axes_accessfailurelog_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accessfailurelog
    ADD CONSTRAINT axes_accessfailurelog_pkey PRIMARY KEY (id);


--
-- Name: axes_accesslog axes_accesslog_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accesslog
    ADD CONSTRAINT axes_accesslog_pkey PRIMARY KEY (id);


--
-- Name: django_admin_log django_admin_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_pkey PRIMARY KEY (id);


--
-- Name: django_content_type django_content_type_app_label_model_76bd3d3b_uniq; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);


--
-- Name: django_content_type django_content_type_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);


--
-- Name: django_migrations django_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);


--
-- Name: django_session django_session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);


--
-- Name: truestep_transition journal_seq_once_per_job; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_transition
    ADD CONSTRAINT journal_seq_once_per_job UNIQUE (job_id, seq);


--
-- Name: truestep_logchunk log_first_once_per_step; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_logchunk
    ADD CONSTRAINT log_first_once_per_step UNIQUE (step_id, first);


--
-- Name: truestep_need need_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_need
    ADD CONSTRAINT need_once UNIQUE (step_id, needed_id);


--
-- Name: truestep_step step_name_once_per_job; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_step
    ADD CONSTRAINT step_name_once_per_job UNIQUE (job_id, name);


--
-- Name: truestep_step step_position_once_per_job; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_step
    ADD CONSTRAINT step_position_once_per_job UNIQUE (job_id, "position");


--
-- Name: truestep_attempt truestep_attempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_attempt
    ADD CONSTRAINT truestep_attempt_pkey PRIMARY KEY (id);


--
-- Name: truestep_intent truestep_intent_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_intent
    ADD CONSTRAINT truestep_intent_digest_key UNIQUE (digest);


--
-- Name: truestep_intent truestep_intent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_intent
    ADD CONSTRAINT truestep_intent_pkey PRIMARY KEY (id);


--
-- Name: truestep_job truestep_job_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_job
    ADD CONSTRAINT truestep_job_pkey PRIMARY KEY (id);


--
-- Name: truestep_job truestep_job_uuid_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_job
    ADD CONSTRAINT truestep_job_uuid_key UNIQUE (uuid);


--
-- Name: truestep_logchunk truestep_logchunk_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_logchunk
    ADD CONSTRAINT truestep_logchunk_pkey PRIMARY KEY (id);


--
-- Name: truestep_need truestep_need_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_need
    ADD CONSTRAINT truestep_need_pkey PRIMARY KEY (id);


--
-- Name: truestep_step truestep_step_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_step
    ADD CONSTRAINT truestep_step_pkey PRIMARY KEY (id);


--
-- Name: truestep_transition truestep_transition_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_transition
    ADD CONSTRAINT truestep_transition_pkey PRIMARY KEY (id);


--
-- Name: truestep_worker truestep_worker_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_worker
    ADD CONSTRAINT truestep_worker_pkey PRIMARY KEY (id);


--
-- Name: truestep_worker truestep_worker_uuid_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_worker
    ADD CONSTRAINT truestep_worker_uuid_key UNIQUE (uuid);


--
-- Name: attempt_by_verdict; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempt_by_verdict ON public.truestep_attempt USING btree (verdict, id DESC);


--
-- Name: auth_group_name_a6ea08ec_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);


--
-- Name: auth_group_permissions_group_id_b120cbf9; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);


--
-- Name: auth_group_permissions_permission_id_84c5c92e; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);


--
-- Name: auth_permission_content_type_id_2f476e4b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);


--
-- Name: auth_user_groups_group_id_97559544; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_user_groups_group_id_97559544 ON public.auth_user_groups USING btree (group_id);


--
-- Name: auth_user_groups_user_id_6a12ed8b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_user_groups_user_id_6a12ed8b ON public.auth_user_groups USING btree (user_id);


--
-- Name: auth_user_user_permissions_permission_id_1fbb5f2c; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_user_user_permissions_permission_id_1fbb5f2c ON public.auth_user_user_permissions USING btree (permission_id);


--
-- Name: auth_user_user_permissions_user_id_a95ead1b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_user_user_permissions_user_id_a95ead1b ON public.auth_user_user_permissions USING btree (user_id);


--
-- Name: auth_user_username_6821ab7c_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_user_username_6821ab7c_like ON public.auth_user USING btree (username varchar_pattern_ops);


--
-- Name: axes_accessattempt_ip_address_10922d9c; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessattempt_ip_address_10922d9c ON public.axes_accessattempt USING btree (ip_address);


--
-- Name: axes_accessattempt_user_agent_ad89678b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessattempt_user_agent_ad89678b ON public.axes_accessattempt USING btree (user_agent);


--
-- Name: axes_accessattempt_user_agent_ad89678b_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessattempt_user_agent_ad89678b_like ON public.axes_accessattempt USING btree (user_agent varchar_pattern_ops);


--
-- Name: axes_accessattempt_username_3f2d4ca0; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessattempt_username_3f2d4ca0 ON public.axes_accessattempt USING btree (username);


--
-- Name: axes_accessattempt_username_3f2d4ca0_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessattempt_username_3f2d4ca0_like ON public.axes_accessattempt USING btree (username varchar_pattern_ops);


--
-- Name: axes_accessfailurelog_ip_address_2e9f5a7f; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessfailurelog_ip_address_2e9f5a7f ON public.axes_accessfailurelog USING btree (ip_address);


--
-- Name: axes_accessfailurelog_user_agent_ea145dda; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessfailurelog_user_agent_ea145dda ON public.axes_accessfailurelog USING btree (user_agent);


--
-- Name: axes_accessfailurelog_user_agent_ea145dda_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessfailurelog_user_agent_ea145dda_like ON public.axes_accessfailurelog USING btree (user_agent varchar_pattern_ops);


--
-- Name: axes_accessfailurelog_username_a8b7e8a4; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessfailurelog_username_a8b7e8a4 ON public.axes_accessfailurelog USING btree (username);


--
-- Name: axes_accessfailurelog_username_a8b7e8a4_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accessfailurelog_username_a8b7e8a4_like ON public.axes_accessfailurelog USING btree (username varchar_pattern_ops);


--
-- Name: axes_accesslog_ip_address_86b417e5; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accesslog_ip_address_86b417e5 ON public.axes_accesslog USING btree (ip_address);


--
-- Name: axes_accesslog_user_agent_0e659004; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accesslog_user_agent_0e659004 ON public.axes_accesslog USING btree (user_agent);


--
-- Name: axes_accesslog_user_agent_0e659004_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accesslog_user_agent_0e659004_like ON public.axes_accesslog USING btree (user_agent varchar_pattern_ops);


--
-- Name: axes_accesslog_username_df93064b; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accesslog_username_df93064b ON public.axes_accesslog USING btree (username);


--
-- Name: axes_accesslog_username_df93064b_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX axes_accesslog_username_df93064b_like ON public.axes_accesslog USING btree (username varchar_pattern_ops);


--
-- Name: django_admin_log_content_type_id_c4bce8eb; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_admin_log_content_type_id_c4bce8eb ON public.django_admin_log USING btree (content_type_id);


--
-- Name: django_admin_log_user_id_c564eba6; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_admin_log_user_id_c564eba6 ON public.django_admin_log USING btree (user_id);


--
-- Name: django_session_expire_date_a5c62663; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);


--
-- Name: django_session_session_key_c0390e0f_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);


--
-- Name: job_by_definition; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_by_definition ON public.truestep_job USING btree (definition, id DESC);


--
-- Name: job_by_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_by_status ON public.truestep_job USING btree (status, id DESC);


--
-- Name: journal_by_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX journal_by_kind ON public.truestep_transition USING btree (kind, to_status, id DESC);


--
-- Name: step_by_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX step_by_status ON public.truestep_step USING btree (status, id DESC);


--
-- Name: step_changed_since; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX step_changed_since ON public.truestep_step USING btree (job_id, seq);


--
-- Name: step_pausing; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX step_pausing ON public.truestep_step USING btree (not_before) WHERE (not_before IS NOT NULL);


--
-- Name: step_ready; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX step_ready ON public.truestep_step USING btree (status, waiting, job_id, "position");


--
-- Name: truestep_attempt_step_id_26b3346a; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_attempt_step_id_26b3346a ON public.truestep_attempt USING btree (step_id);


--
-- Name: truestep_attempt_worker_id_0b2eedda; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_attempt_worker_id_0b2eedda ON public.truestep_attempt USING btree (worker_id);


--
-- Name: truestep_intent_at_82416f22; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_intent_at_82416f22 ON public.truestep_intent USING btree (at);


--
-- Name: truestep_intent_digest_6b233dcd_like; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_intent_digest_6b233dcd_like ON public.truestep_intent USING btree (digest varchar_pattern_ops);


--
-- Name: truestep_job_again_of_id_510b83e5; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_job_again_of_id_510b83e5 ON public.truestep_job USING btree (again_of_id);


--
-- Name: truestep_logchunk_step_id_49abf2d3; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_logchunk_step_id_49abf2d3 ON public.truestep_logchunk USING btree (step_id);


--
-- Name: truestep_need_needed_id_1a71da0c; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_need_needed_id_1a71da0c ON public.truestep_need USING btree (needed_id);


--
-- Name: truestep_need_step_id_ec8d092f; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_need_step_id_ec8d092f ON public.truestep_need USING btree (step_id);


--
-- Name: truestep_step_job_id_114510de; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_step_job_id_114510de ON public.truestep_step USING btree (job_id);


--
-- Name: truestep_transition_job_id_8d169d42; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_transition_job_id_8d169d42 ON public.truestep_transition USING btree (job_id);


--
-- Name: truestep_transition_step_id_ebea904e; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_transition_step_id_ebea904e ON public.truestep_transition USING btree (step_id);


--
-- Name: truestep_worker_only_job_id_a265615f; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX truestep_worker_only_job_id_a265615f ON public.truestep_worker USING btree (only_job_id);


--
-- Name: worker_lives; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX worker_lives ON public.truestep_worker USING btree (stopped_at) WHERE (stopped_at IS NULL);


--
-- Name: truestep_job truestep_job_birth; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_job_birth BEFORE INSERT ON public.truestep_job FOR EACH ROW EXECUTE FUNCTION public.truestep_job_birth();


--
-- Name: truestep_job truestep_job_seq; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_job_seq BEFORE UPDATE ON public.truestep_job FOR EACH ROW EXECUTE FUNCTION public.truestep_job_seq();


--
-- Name: truestep_job truestep_job_status; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_job_status BEFORE UPDATE ON public.truestep_job FOR EACH ROW EXECUTE FUNCTION public.truestep_job_status();


--
-- Name: truestep_transition truestep_journal_unchanged; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_journal_unchanged BEFORE UPDATE ON public.truestep_transition FOR EACH ROW EXECUTE FUNCTION public.truestep_journal_unchanged();


--
-- Name: truestep_transition truestep_news; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_news AFTER INSERT ON public.truestep_transition FOR EACH STATEMENT EXECUTE FUNCTION public.truestep_news();


--
-- Name: truestep_step truestep_step_birth; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_step_birth BEFORE INSERT ON public.truestep_step FOR EACH ROW EXECUTE FUNCTION public.truestep_step_birth();


--
-- Name: truestep_step truestep_step_news; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_step_news AFTER INSERT OR UPDATE ON public.truestep_step FOR EACH STATEMENT EXECUTE FUNCTION public.truestep_step_news();


--
-- Name: truestep_step truestep_step_seq; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_step_seq BEFORE UPDATE ON public.truestep_step FOR EACH ROW EXECUTE FUNCTION public.truestep_step_seq();


--
-- Name: truestep_step truestep_step_status; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER truestep_step_status BEFORE UPDATE ON public.truestep_step FOR EACH ROW EXECUTE FUNCTION public.truestep_step_status();


--
-- Name: auth_group_permissions auth_group_permissio_permission_id_84c5c92e_fk_auth_perm; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_group_permissions auth_group_permissions_group_id_b120cbf9_fk_auth_group_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_permission auth_permission_content_type_id_2f476e4b_fk_django_co; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_user_groups auth_user_groups_group_id_97559544_fk_auth_group_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_group_id_97559544_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_user_groups auth_user_groups_user_id_6a12ed8b_fk_auth_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_groups
    ADD CONSTRAINT auth_user_groups_user_id_6a12ed8b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_user_user_permissions auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: auth_user_user_permissions auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_user_user_permissions
    ADD CONSTRAINT auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: axes_accessattemptexpiration axes_accessattemptex_access_attempt_id_6b73a47a_fk_axes_acce; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.axes_accessattemptexpiration
    ADD CONSTRAINT axes_accessattemptex_access_attempt_id_6b73a47a_fk_axes_acce FOREIGN KEY (access_attempt_id) REFERENCES public.axes_accessattempt(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: django_admin_log django_admin_log_content_type_id_c4bce8eb_fk_django_co; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_content_type_id_c4bce8eb_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: django_admin_log django_admin_log_user_id_c564eba6_fk_auth_user_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.django_admin_log
    ADD CONSTRAINT django_admin_log_user_id_c564eba6_fk_auth_user_id FOREIGN KEY (user_id) REFERENCES public.auth_user(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_attempt truestep_attempt_step_id_26b3346a_fk_truestep_step_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_attempt
    ADD CONSTRAINT truestep_attempt_step_id_26b3346a_fk_truestep_step_id FOREIGN KEY (step_id) REFERENCES public.truestep_step(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_attempt truestep_attempt_worker_id_0b2eedda_fk_truestep_worker_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_attempt
    ADD CONSTRAINT truestep_attempt_worker_id_0b2eedda_fk_truestep_worker_id FOREIGN KEY (worker_id) REFERENCES public.truestep_worker(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_job truestep_job_again_of_id_510b83e5_fk_truestep_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_job
    ADD CONSTRAINT truestep_job_again_of_id_510b83e5_fk_truestep_job_id FOREIGN KEY (again_of_id) REFERENCES public.truestep_job(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_logchunk truestep_logchunk_step_id_49abf2d3_fk_truestep_step_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_logchunk
    ADD CONSTRAINT truestep_logchunk_step_id_49abf2d3_fk_truestep_step_id FOREIGN KEY (step_id) REFERENCES public.truestep_step(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_need truestep_need_needed_id_1a71da0c_fk_truestep_step_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_need
    ADD CONSTRAINT truestep_need_needed_id_1a71da0c_fk_truestep_step_id FOREIGN KEY (needed_id) REFERENCES public.truestep_step(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_need truestep_need_step_id_ec8d092f_fk_truestep_step_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_need
    ADD CONSTRAINT truestep_need_step_id_ec8d092f_fk_truestep_step_id FOREIGN KEY (step_id) REFERENCES public.truestep_step(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_step truestep_step_job_id_114510de_fk_truestep_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_step
    ADD CONSTRAINT truestep_step_job_id_114510de_fk_truestep_job_id FOREIGN KEY (job_id) REFERENCES public.truestep_job(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_transition truestep_transition_job_id_8d169d42_fk_truestep_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_transition
    ADD CONSTRAINT truestep_transition_job_id_8d169d42_fk_truestep_job_id FOREIGN KEY (job_id) REFERENCES public.truestep_job(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_transition truestep_transition_step_id_ebea904e_fk_truestep_step_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_transition
    ADD CONSTRAINT truestep_transition_step_id_ebea904e_fk_truestep_step_id FOREIGN KEY (step_id) REFERENCES public.truestep_step(id) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: truestep_worker truestep_worker_only_job_id_a265615f_fk_truestep_job_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.truestep_worker
    ADD CONSTRAINT truestep_worker_only_job_id_a265615f_fk_truestep_job_id FOREIGN KEY (only_job_id) REFERENCES public.truestep_job(id) DEFERRABLE INITIALLY DEFERRED;


--
-- PostgreSQL database dump complete
--


